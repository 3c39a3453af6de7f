"""Runs are killed, ended by signals and resumed by other numbers of ranks; they go on to the weights of an unbroken run."""

import os
import random
import shutil
import signal
import time

import pytest
from transformers import AutoTokenizer

from core import checkpoint
from core.export import export
from results.parts import read_parts
from sandbox.problem import write_problems
from tests.core import forks, runs, tiny
from tests.core.runs import assert_same_weights
from tests.core.test_stepcoder import problem


def stopped(ranks, log, function, *arguments, line="step 2", number=signal.SIGTERM):
    """A run whose last rank alone is sent a signal; the exit statuses."""
    processes = forks.begin(ranks, log, function, *arguments)
    forks.said(log, line)
    os.kill(processes[-1].pid, number)
    return forks.ended(processes)


@pytest.mark.slow
def test_killed_anywhere_it_goes_on_to_the_same_weights(judged, finetuned, tmp_path):
    options, resume, chance = {"checkpoint_every_steps": 1}, tmp_path / "finetune" / "resume", random.Random(5)
    reached = []
    # A save is some 20 such points: the first rounds die in the first save, then later ones at moments of their own.
    for round_, at in enumerate((4, 12, 20, 30, None)):
        log = tmp_path / f"log{round_}"
        if at:
            processes = forks.begin(1, log, runs.finetune_dying, judged, tmp_path, options, at)
            assert forks.ended(processes) == [-signal.SIGKILL], log.read_text()
        else:
            processes = forks.begin(1, log, runs.finetune, judged, tmp_path, options, "float32", 0.1)
            forks.said(log, f"step {reached[-1] + 1}")
            time.sleep(chance.uniform(0, 0.1))
            forks.kill(processes)
        reached.append((checkpoint.newest(resume) or {"step": 0})["step"])
    assert reached == sorted(reached)
    assert reached[0] == 0  # half a first checkpoint is none
    assert 0 < reached[3] <= reached[-1] < 5, reached
    log = forks.finish(1, tmp_path / "last", runs.finetune, judged, tmp_path, options)
    assert log.split("step ")[1] == f"{reached[-1] + 1}\n"
    assert_same_weights(tmp_path, finetuned, 0)
    assert not resume.exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "dtype", "before", "after"),
    [(0, "float32", 2, 1), (1, "bfloat16", 2, 1), (2, "float32", 2, 4), (3, "float32", 2, 1)],
)
def test_ended_by_a_signal_it_goes_on_with_other_ranks(judged, finetuned, tmp_path, stage, dtype, before, after):
    options, resume = {"zero_stage": stage, "micro_batch_size": 1, "checkpoint_every_steps": 9}, tmp_path / "finetune" / "resume"
    assert stopped(before, tmp_path / "log", runs.finetune, judged, tmp_path, options, dtype, 0.2) == [-signal.SIGTERM] * before
    step = checkpoint.newest(resume)["step"]
    assert step in (2, 3)
    assert export(resume, tmp_path / "now" / "model") == step
    said = forks.finish(
        after, tmp_path / "again" / "log", runs.export_by_engine, stage, dtype, resume, tmp_path / "again" / "model"
    )
    assert f"made by {before} processes, goes on with {after}" in said
    assert_same_weights(tmp_path / "now", tmp_path / "again", 0)
    if dtype == "float32":
        said = forks.finish(after, tmp_path / "after", runs.finetune, judged, tmp_path, options | {"checkpoint_every_steps": 4})
        assert said.split("step ")[1].startswith(f"{step + 1}\n")
        assert_same_weights(tmp_path, finetuned, 1e-5)


@pytest.mark.slow
def test_stepcoder_goes_on_with_more_ranks_and_may_take_fewer_steps(tmp_path):
    tiny.folder(tmp_path / "tiny")
    write_problems(tmp_path / "problems.jsonl.gz", [problem(i) for i in range(4)])
    one, two, short = (tmp_path / name for name in ("one", "two", "short"))
    forks.finish(1, one / "log", runs.learn, tmp_path, one, {})
    assert stopped(1, two / "log", runs.learn, tmp_path, two, {}, line="step 1", number=signal.SIGUSR2) == [-signal.SIGUSR2]
    step = checkpoint.newest(two / "train" / "resume")["step"]
    assert step in (1, 2)
    shutil.copytree(two, short)
    forks.finish(1, short / "log", runs.learn, tmp_path, short, {"steps": step})  # nothing is left to do but to write the model
    assert export(two / "train" / "resume", two / "now" / "model") == step
    assert_same_weights(two / "now", short, 0)
    stale = two / "train" / "rollouts" / f"part-{step:06d}-0003.parquet"  # of a rank that there is no more
    stale.write_bytes(b"half")
    forks.finish(2, two / "log", runs.learn, tmp_path, two, {})
    assert_same_weights(two, one, 1e-4)
    rows = [
        sorted((r["step"], r["problem_id"], r["program"]) for r in read_parts(run / "train" / "rollouts").to_pylist())
        for run in (one, two)
    ]
    assert rows[0] == rows[1]
    assert not (two / "train" / "resume").exists()


@pytest.mark.slow
def test_a_broken_step_does_not_replace_a_checkpoint(judged, tmp_path):
    write_problems(tmp_path / "problems.jsonl.gz", [problem(i) for i in range(4)])
    shutil.copytree(judged / "tiny", tmp_path / "tiny")
    options = {"checkpoint_every_steps": 1}
    assert forks.ended(forks.begin(1, tmp_path / "log", runs.learn, tmp_path, tmp_path, options, 1)) == [1]
    assert "step 1: kl is no finite number; the last checkpoint is kept" in (tmp_path / "log").read_text()
    assert checkpoint.newest(tmp_path / "train" / "resume")["step"] == 1
    options |= {"learning_rate": 1e30}
    assert forks.ended(forks.begin(1, tmp_path / "sft", runs.finetune, judged, tmp_path, options)) == [1]
    assert "step 1: the loss is nan, its gradient's norm inf; the last checkpoint is kept" in (tmp_path / "sft").read_text()
    assert forks.ended(forks.begin(1, tmp_path / "norm", runs.finetune_overflowing, judged, tmp_path / "2", 1)) == [1]
    assert "step 1: the loss is " in (tmp_path / "norm").read_text()
    assert "its gradient's norm inf; the last checkpoint is kept" in (tmp_path / "norm").read_text()


def drawn(log):
    return sorted(line for line in log.splitlines() if line.startswith("drawn"))


@pytest.mark.slow
def test_random_generators_go_on_where_they_were(tmp_path):
    resume = tmp_path / "resume"
    before = drawn(forks.finish(2, tmp_path / "0", runs.write_draws, resume))
    assert len({line.split(" ", 2)[2] for line in before}) == 2
    assert drawn(forks.finish(2, tmp_path / "1", runs.read_draws, resume)) == before
    alone, again, other = (
        drawn(forks.finish(1, tmp_path / f"{i}", runs.read_draws, resume, seed)) for i, seed in enumerate((1, 1, 2), 2)
    )
    assert alone == again
    assert len({*before, *alone, *other}) == 4
    assert AutoTokenizer.from_pretrained(resume / "policy")("x").input_ids


def test_what_differs_is_named_as_options_are():
    saved = {"plan": "a", "step": 3, "options": {"steps": 3, "seed": 0, "ppo": {"gamma": 1.0, "micro_batch_size": 4}}}
    same = {"plan": "a", "options": {"steps": 9, "seed": 0, "ppo": {"gamma": 1.0, "micro_batch_size": 2}}}
    assert list(checkpoint.differences(saved, same, ("steps", "micro_batch_size"))) == []
    other = {"plan": "b", "options": {"steps": 3, "seed": 1, "ppo": {"gamma": 0.9, "lam": 1.0}}}
    assert list(checkpoint.differences(saved, other)) == [
        "the data is not the same",
        "seed is 1, was 0",
        "ppo.gamma is 0.9, was 1.0",
        "ppo.lam is 1.0, was None",
    ]


def test_what_a_run_that_was_killed_at_its_very_end_left_goes(tmp_path):
    (tmp_path / "resume" / "step-000002").mkdir(parents=True)
    assert not checkpoint.over(tmp_path / "resume", tmp_path / "model")
    assert (tmp_path / "resume" / "step-000002").is_dir()
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").touch()
    assert checkpoint.over(tmp_path / "resume", tmp_path / "model")
    assert not (tmp_path / "resume").exists()
