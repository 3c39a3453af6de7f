"""Each run is a process of its own, as a stage is: a tiny random model, the real judge, real DeepSpeed."""

import signal
from dataclasses import replace

import pyarrow as pa
import pytest
import torch
from transformers import AutoModelForCausalLM

from core import curriculum, stepcoder
from core.attempts import Task, shown_part, tasks_of
from core.models import training_of
from core.options import CurriculumOptions, PPOOptions, StepCoderOptions
from results.parts import read_parts, write_part
from sandbox.problem import Problem, write_problems
from tests.core import forks, runs, tiny
from tests.core.runs import assert_same_weights

SOLUTION = """def add(a):
    if a > 1:
        a = a + 0
    for i in range(1):
        a += {0}
    return a
"""


def problem(i):
    tests = {"inputs": ([1], [2]), "outputs": (1 + i, 2 + i)}
    return Problem(f"p{i}", f"Return a + {i}.", "call", entry_point="add", canonical_solution=SOLUTION.format(i), **tests)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("stepcoder")
    tiny.folder(made / "tiny")
    write_problems(made / "problems.jsonl.gz", [problem(i) for i in range(4)])
    return made


def learn(folder, run, ranks=1, **options):
    """A run of so many ranks that nothing disturbs."""
    return forks.finish(ranks, run / "log", runs.learn, folder, run, options)


QUICK = {"checkpoint_every_steps": 2, "ppo": {"learning_rate": 1e-2, "critic_learning_rate": 1e-2, "minibatches": 2}}


@pytest.fixture(scope="module")
def unbroken(folder, tmp_path_factory):
    run = tmp_path_factory.mktemp("unbroken")
    # As four ranks left it that were killed before their first checkpoint.
    write_part(run / "train" / "rollouts", "000001-0003", pa.Table.from_pylist([{"step": 1, "stage": 9}]))
    learn(folder, run, **QUICK)
    return run


@pytest.mark.slow
def test_it_trains_and_leaves_its_records(folder, unbroken):
    steps = read_parts(unbroken / "train" / "steps").to_pylist()
    assert [row["step"] for row in steps] == [0, 1, 2, 3]
    assert all(row["reward"] == -1.0 and row["masked"] == 0.0 for row in steps)  # noise does not compile: FGO masks nothing
    assert steps[0]["kl"] == pytest.approx(0, abs=1e-4)  # the policy is still the reference
    assert steps[-1]["kl"] > 0.01
    assert steps[-1]["value_loss"] < steps[0]["value_loss"]  # the critic learns that all is -1
    rollouts = read_parts(unbroken / "train" / "rollouts").to_pylist()
    assert len(rollouts) == 4 * 2 * 4
    assert {row["stage"] for row in rollouts} == {1}
    assert all(row["program"].startswith("def add(a):\n    if a > 1:\n        a = a + 0") for row in rollouts)
    assert {row["problem_id"] for row in rollouts if row["step"] < 2} == {"p0", "p1", "p2", "p3"}  # a pass over all of them
    assert not (unbroken / "train" / "resume").exists()
    assert AutoModelForCausalLM.from_pretrained(unbroken / "model").config.num_hidden_layers == 2


@pytest.mark.slow
def test_killed_in_the_middle_it_goes_on_to_the_same_weights(folder, unbroken, tmp_path):
    processes = forks.begin(1, tmp_path / "killed", runs.learn, folder, tmp_path, QUICK, None, 0.2)
    forks.said(tmp_path / "killed", "step 3")
    assert forks.kill(processes) == [-signal.SIGKILL]
    assert not (tmp_path / "model").exists()
    assert learn(folder, tmp_path, **QUICK).split("step ")[1:] == ["3\n", "4\n"]
    assert_same_weights(tmp_path, unbroken, 0)


VARIANTS = {  # each trains as it would without, or nearly so
    "stage 2": {},
    "stage 0": {"zero_stage": 0},
    "stage 3": {"zero_stage": 3},
    "offload": {"zero_stage": 3, "offload": "all", "gradient_checkpointing": True, "old_logprobs": "scored"},
    "shared": {"critic": "shared"},
    "shared, stage 3": {"critic": "shared", "zero_stage": 3},
}


@pytest.fixture(scope="module")
def by_ranks(folder, tmp_path_factory):
    """(runs of one process, runs of two) of the same options."""
    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    for name in ("stage 2", "shared"):
        learn(folder, one / name, steps=2, ppo=VARIANTS[name])
    for name, ppo in VARIANTS.items():
        learn(folder, two / name, ranks=2, steps=2, ppo=ppo | {"micro_batch_size": 3})
    return one, two


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_two_ranks_equal_one(by_ranks, variant):
    one, two = by_ranks[0] / ("shared" if "shared" in variant else "stage 2"), by_ranks[1] / variant
    for row, other in zip(*(read_parts(run / "train" / "steps").to_pylist() for run in (one, two)), strict=True):
        for name in ("reward", "tokens", "kl", "entropy", "policy_loss", "value_loss", "explained", "grad_norm", "stage"):
            assert other[name] == pytest.approx(row[name], rel=1e-3, abs=1e-5), name
    assert_same_weights(two, one, 1e-4)
    programs = [
        sorted((r["step"], r["problem_id"], r["program"]) for r in read_parts(run / "train" / "rollouts").to_pylist())
        for run in (one, two)
    ]
    assert programs[0] == programs[1]


@pytest.mark.slow
def test_bfloat16_learns_as_float32_does(folder, unbroken, tmp_path):
    learn(folder, tmp_path, **QUICK, dtype="bfloat16")
    ours, theirs = (read_parts(run / "train" / "steps").to_pylist() for run in (tmp_path, unbroken))
    assert ours[0]["entropy"] == pytest.approx(theirs[0]["entropy"], rel=0.05)
    assert ours[0]["grad_norm"] == pytest.approx(theirs[0]["grad_norm"], rel=0.5)
    assert ours[-1]["value_loss"] < 0.5 * ours[0]["value_loss"]
    assert {value.dtype for value in runs.weights(tmp_path).values()} == {torch.bfloat16}


@pytest.mark.slow
@pytest.mark.parametrize("advantage", ["group", "leave_one_out"])
def test_without_a_critic(folder, tmp_path, advantage):
    ppo = {"advantage": advantage, "kl_in": "loss" if advantage == "group" else "reward", "whiten": False, "mask": "all"}
    learn(folder, tmp_path, steps=1, ppo=ppo, curriculum={"enabled": False})
    (row,) = read_parts(tmp_path / "train" / "steps").to_pylist()
    assert (row["value_loss"], row["stage"]) == (0.0, 0.0)
    assert row["policy_loss"] == pytest.approx(0, abs=1e-6)  # all rewards are alike, so there is nothing to prefer
    assert all(not row["program"].startswith("def") for row in read_parts(tmp_path / "train" / "rollouts").to_pylist())


def test_each_pass_over_the_problems_draws_each_once():
    tasks = [Task(problem(i), (1,), (0,)) for i in range(5)]
    options = StepCoderOptions(problems_per_step=2, seed=3)
    drawn = [task.problem.problem_id for step in range(5) for task in stepcoder.draw(tasks, step, options)]
    assert sorted(drawn[:5]) == sorted(drawn[5:]) == ["p0", "p1", "p2", "p3", "p4"]
    assert drawn[:5] != drawn[5:]


def test_a_problem_without_a_readable_solution_has_one_stage_and_a_long_one_is_left_out(caplog):
    odd = Problem("odd", "?", "stdin", inputs=("",), outputs=("",), canonical_solution="def (")
    long = Problem("long", "?" * 2000, "stdin", inputs=("",), outputs=("",))
    options = StepCoderOptions(max_prompt_tokens=400)
    tasks = tasks_of([problem(0), odd, long], tiny.policy(), options)
    assert [(task.problem.problem_id, len(task.cuts)) for task in tasks] == [("p0", 2), ("odd", 1)]
    assert "1 of 3 solutions do not parse: no curriculum" in caplog.text
    assert "1 of 3 problems left out: prompt and solution over 400 tokens" in caplog.text


@pytest.mark.parametrize("enabled", [True, False])
def test_with_and_without_a_curriculum_the_same_problems_fit(enabled):
    tail = replace(problem(0), problem_id="tail", canonical_solution=SOLUTION.format(0) + "\n# more" * 200)  # behind the last cut
    options = StepCoderOptions(max_prompt_tokens=400, curriculum=CurriculumOptions(enabled=enabled))
    tasks = tasks_of([problem(0), tail], tiny.policy(), options)
    assert [(task.problem.problem_id, len(task.cuts)) for task in tasks] == [("p0", 2 if enabled else 1)]


def test_a_problem_that_two_ranks_rolled_out_moves_by_all_its_rollouts(monkeypatch):
    of_ranks = [{"p0": [True, True], "p1": [False]}, {"p0": [False, False]}]
    monkeypatch.setattr(stepcoder.engine, "gathered", lambda _: of_ranks)
    stages = {"p0": curriculum.Progress(1, 0.0), "p1": curriculum.Progress(1, 0.5), "p2": curriculum.Progress(2, 0.1)}
    rules = StepCoderOptions(curriculum=CurriculumOptions(alpha=1.0, threshold=0.4))
    moved = stepcoder.moved(stages, [], [], rules)
    assert moved == {"p0": curriculum.Progress(0, 0.0), "p1": curriculum.Progress(1, 0.0)}


def test_a_prompt_ends_with_a_line_or_with_the_indentation_of_the_next():
    (task,) = tasks_of([problem(0)], tiny.policy(), StepCoderOptions())
    assert shown_part(task, 0, "line") == shown_part(task, 0, "statement") == ""
    assert shown_part(task, 1, "line").endswith("a = a + 0")
    assert shown_part(task, 1, "statement").endswith("a = a + 0\n    ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (StepCoderOptions(reward="best"), "'best' is not one of stepcoder"),
        (StepCoderOptions(steps=0), "steps 0 is less than 1"),
        (StepCoderOptions(top_p=0), "0 < top_p <= 1"),
        (StepCoderOptions(rollouts_per_problem=1, ppo=PPOOptions(advantage="group")), "rollouts_per_problem 1 is less than 2"),
        (StepCoderOptions(ppo=PPOOptions(advantage="dpo")), "'dpo' is not one of gae, group, leave_one_out"),
        (StepCoderOptions(ppo=PPOOptions(mask="none")), "'none' is not one of executed, all"),
        (StepCoderOptions(ppo=PPOOptions(critic="two")), "'two' is not one of separate, shared"),
        (StepCoderOptions(ppo=PPOOptions(zero_stage=4)), "zero_stage 4 is not one of 0, 1, 2, 3"),
        (StepCoderOptions(ppo=PPOOptions(offload="all")), "offload 'all' needs zero_stage 3 or more, not 2"),
        (StepCoderOptions(curriculum=CurriculumOptions(alpha=2.0)), "alpha"),
        (StepCoderOptions(curriculum=CurriculumOptions(prefix_ends="word")), "'word' is not one of line, statement"),
    ],
)
def test_bad_options_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        stepcoder.check(options)


def test_what_is_broken_stops_with_a_word():
    row = {"step": 7, "judge_errors": 0.02, "kl": 0.1}
    with pytest.raises(
        RuntimeError, match=r"step 7: the policy is 2.10 nats a token from where it started, over the limit of 2.0"
    ):
        stepcoder.stop_if_broken(row | {"kl": 2.1}, StepCoderOptions())
    stepcoder.stop_if_broken(row | {"kl": 2.1, "judge_errors": 0.0}, StepCoderOptions(most_kl=0))
    with pytest.raises(RuntimeError, match=r"step 7: 2.0% of the rollouts ended in judge errors, over the limit of 1.0%"):
        stepcoder.stop_if_broken(row, StepCoderOptions())
    with pytest.raises(RuntimeError, match="step 7: kl is no finite number"):
        stepcoder.stop_if_broken(row | {"kl": float("nan")}, StepCoderOptions())
    stepcoder.stop_if_broken(row | {"judge_errors": 0.01}, StepCoderOptions())


def test_the_engine_counts_micro_batches_for_the_largest_minibatch():
    from core.engine import Ranks

    options = StepCoderOptions(problems_per_step=4, rollouts_per_problem=5, ppo=PPOOptions(minibatches=3, micro_batch_size=2))
    assert training_of(options, 1.0, Ranks(0, 0, 2)).accumulation == 2  # 10 rollouts a rank, 4 in a minibatch
    assert curriculum.start(3).stage == 2
