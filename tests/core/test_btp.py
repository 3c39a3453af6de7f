"""Each run is a process of its own, as a stage is: DeepSpeed's process group does not outlive it."""

import json
import signal
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core import btp, sft
from core.options import ModelOptions, ReplayOptions, SFTOptions
from core.prompt import completion_ids, prompt_ids
from core.rollout import score
from results import schema
from results.parts import read_parts, write_part
from sandbox.problem import read_problems, read_programs
from tests.core import forks, runs, tiny
from tests.core.runs import assert_same_weights


def test_it_learns_and_leaves_its_records(judged, finetuned):
    drawn = read_parts(finetuned / "finetune" / "drawn").to_pylist()
    assert sum(row["times_drawn"] for row in drawn) == 19
    assert sum(row["probability"] for row in drawn) == pytest.approx(1)
    assert all(row["probability"] > 0 for row in drawn)
    given = next(row for row in drawn if row["sample"] == 1)
    assert (given["pass_rate"], given["likelihood"]) == (1.0, pytest.approx(np.exp(-4 / 12)))
    assert given["p2value"] == pytest.approx(0.5 * np.exp(-4 / 12) + 0.5)
    steps = read_parts(finetuned / "finetune" / "steps").to_pylist()
    assert [row["step"] for row in steps] == [0, 1, 2, 3, 4]
    assert steps[-1]["loss"] < steps[0]["loss"]
    assert set(steps[0]) == {"step", "loss", "learning_rate", "tokens", "grad_norm", "seconds"}
    assert not (finetuned / "finetune" / "resume").exists()
    assert AutoTokenizer.from_pretrained(finetuned / "model")("x").input_ids
    assert AutoModelForCausalLM.from_pretrained(finetuned / "model").config.num_hidden_layers == 2


def test_a_program_without_a_likelihood_is_scored_under_the_student(judged, finetuned):
    policy = tiny.policy()
    problems = {p.problem_id: p for p in read_problems(judged / "problems.jsonl.gz")}
    program = next(p for p in read_programs(judged / "programs") if p.sample == 0)
    completion = completion_ids(program.program, policy.tokenizer)
    (total,) = score(policy, [prompt_ids(problems[program.problem_id], policy.tokenizer)], [completion])
    row = next(r for r in read_parts(finetuned / "finetune" / "drawn").to_pylist() if r["sample"] == 0)
    assert row["likelihood"] == pytest.approx(np.exp(total / len(completion)), abs=1e-6)


def test_one_step_is_that_of_plain_torch(judged, tmp_path):
    options = {"batch_size": 19, "micro_batch_size": 3, "warmup_fraction": 0.0, "gradient_clipping": 0.1}
    forks.finish(1, tmp_path / "log", runs.finetune, judged, tmp_path, options)
    policy = tiny.policy()
    problems = {p.problem_id: p for p in read_problems(judged / "problems.jsonl.gz")}
    tested = btp.tested_programs(judged / "programs", judged / "judged", problems)
    examples = btp.drawn_examples(policy, problems, tested, tmp_path / "finetune" / "drawn")
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=1e-3, weight_decay=0.0)
    batch = sft.collate(examples, 0, policy.device)
    (-(sft.token_logprobs(policy.model, batch) * batch.weights).sum() / sum(len(e.completion) for e in examples)).backward()
    norm = torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 0.1)
    optimizer.step()
    (row,) = read_parts(tmp_path / "finetune" / "steps").to_pylist()
    assert row["grad_norm"] == pytest.approx(float(norm), rel=1e-4)
    assert norm > 0.1
    ours = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    for found, expected in zip(ours.parameters(), policy.model.parameters(), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_killed_in_the_middle_it_goes_on_to_the_same_weights(judged, finetuned, tmp_path):
    log = tmp_path / "log"
    processes = forks.begin(1, log, runs.finetune, judged, tmp_path, {}, "float32", 0.1)
    forks.said(log, "step 4")
    assert forks.kill(processes) == [-signal.SIGKILL]
    assert not (tmp_path / "model").exists()
    done = forks.finish(1, tmp_path / "again", runs.finetune, judged, tmp_path, {}).split("step ")
    assert int(done[1]) > 1  # from a checkpoint, not from the start
    assert_same_weights(tmp_path, finetuned, 0)
    once_more = forks.finish(1, tmp_path / "whole", runs.finetune, judged, tmp_path, {})
    assert "step " not in once_more  # nothing is done again


def test_a_checkpoint_of_other_options_stops_with_their_names(judged, tmp_path):
    resume = tmp_path / "finetune" / "resume"
    resume.mkdir(parents=True)
    latest = {"tag": "step-000002", "step": 2, "plan": "another", "world": 1, "options": asdict(SFTOptions(batch_size=4))}
    (resume / "latest.json").write_text(json.dumps(latest))
    assert forks.ended(forks.begin(1, tmp_path / "log", runs.finetune, judged, tmp_path, {})) == [1]
    output = (tmp_path / "log").read_text()
    assert f"ValueError: {resume} holds the first 2 steps of another training: the data is not the same; " in output
    assert (
        f"learning_rate is 0.001, was 2e-05. Give what it was started with to go on, or delete {resume} to start anew" in output
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", [2, 3])
def test_two_ranks_equal_one(judged, tmp_path, stage):
    # 19 examples of 4 a step: the last step holds 3, and the ranks' tokens are uneven throughout.
    options = {"zero_stage": stage, "micro_batch_size": 1, "epochs": 1}
    forks.finish(1, tmp_path / "one" / "log", runs.finetune, judged, tmp_path / "one", options | {"zero_stage": 2})
    forks.finish(2, tmp_path / "two" / "log", runs.finetune, judged, tmp_path / "two", options)
    assert_same_weights(tmp_path / "two", tmp_path / "one", 1e-5)
    one, two = (read_parts(tmp_path / run / "finetune" / "steps").to_pylist() for run in ("one", "two"))
    assert [row["loss"] for row in two] == pytest.approx([row["loss"] for row in one], abs=1e-5)
    assert [row["grad_norm"] for row in two] == pytest.approx([row["grad_norm"] for row in one], rel=1e-4)


def judged_as(judged, tmp_path, change):
    rows = [changed for row in read_parts(judged / "judged" / "programs").to_pylist() if (changed := change(row)) is not None]
    write_part(tmp_path / "programs", "00000", pa.Table.from_pylist(rows, schema=schema.PROGRAMS))
    problems = {p.problem_id: p for p in read_problems(judged / "problems.jsonl.gz")}
    return btp.tested_programs(judged / "programs", tmp_path, problems)


def test_a_program_that_is_not_judged_yet_is_refused(judged, tmp_path):
    with pytest.raises(ValueError, match=r"problem_id 'p3', author 'tiny', sample 1\).* not all programs are judged yet"):
        judged_as(judged, tmp_path, lambda row: None if (row["problem_id"], row["sample"]) == ("p3", 1) else row)


def test_judge_errors_are_left_out(judged, tmp_path, caplog):
    tested = judged_as(judged, tmp_path, lambda row: row | {"verdict": "judge_error"} if row["sample"] else row)
    assert len(tested) == 6
    assert "6 of 12 programs left out: 6 judge errors" in caplog.text


def test_nothing_left_to_draw_is_refused(judged, tmp_path):
    with pytest.raises(ValueError, match="nothing to draw from: 12 programs, 12 judge errors"):
        judged_as(judged, tmp_path, lambda row: row | {"verdict": "judge_error"})


def test_all_too_long_is_refused(judged, tmp_path):
    problems = {p.problem_id: p for p in read_problems(judged / "problems.jsonl.gz")}
    tested = btp.tested_programs(judged / "programs", judged / "judged", problems)
    with pytest.raises(ValueError, match="all 12 programs are longer than sft max_length 10 tokens"):
        btp.draw(tiny.policy(), problems, tested, ReplayOptions(), 10, tmp_path)


def test_problems_that_no_program_solves_can_still_be_drawn(judged, tmp_path):
    problems = {p.problem_id: p for p in read_problems(judged / "problems.jsonl.gz")}
    tested = {
        key: (program, 0.0) for key, (program, _) in btp.tested_programs(judged / "programs", judged / "judged", problems).items()
    }
    for likelihood in ("product", "geometric_mean"):
        out = tmp_path / likelihood
        btp.draw(tiny.policy(), problems, tested, ReplayOptions(weight=0.0, likelihood=likelihood), 500, out)
        assert all(row["probability"] > 0 for row in read_parts(out).to_pylist())


def test_a_bad_option_is_refused_before_anything_is_read(tmp_path):
    nowhere = tmp_path / "nowhere"
    with pytest.raises(ValueError, match="priority 'best'"):
        btp.finetune(
            ModelOptions(), ReplayOptions(priority="best"), SFTOptions(), nowhere, nowhere, nowhere, nowhere, nowhere, print
        )
