"""A plan on a real Slurm: submitted whole, told, cancelled, gone on with."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import load_file

from core.datasets import load_problems
from core.options import ModelOptions, SFTOptions
from launch import snapshot
from launch.config import ClusterOptions
from launch.plan import Stage, read_plan
from launch.progress import done_path
from launch.queue import unfinished
from launch.status import status_lines
from launch.submit_slurm import cancel, chunks, submit
from sandbox.problem import write_problems
from tests.core import tiny
from tests.launch.toys import make_run, ran, toy, wait_until

SMALL = {"time": 20, "mem": "100MB"}
CLUSTER = ClusterOptions(
    kind="slurm",
    train={"partition": "gpu", "nodes": 2, "ntasks_per_node": 2, "gpus_per_node": 2} | SMALL,
    gpu={"partition": "gpu", "gpus_per_node": 1} | SMALL,
    cpu={"partition": "cpu"} | SMALL,
)


@pytest.fixture
def started(cluster, tmp_path, monkeypatch):
    """Makes a run of toy stages and submits it; gives the run."""
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "toys"))

    def start(*stages, problems=()):
        run = make_run(tmp_path, *stages)
        write_problems(run / "problems.jsonl.gz", problems)
        snapshot.take(run)
        return run, submit(run, read_plan(run), CLUSTER)

    return start


def again(run):
    return submit(run, read_plan(run), CLUSTER)


def whole(run):
    return all(done_path(run, stage.name, shard).exists() for stage in read_plan(run) for shard in range(stage.shards))


def lines(run):
    return "\n".join(status_lines(run))


def test_a_plan_is_an_array_a_stage_each_after_what_it_needs(started):
    run, told = started(
        toy("before", resources="gpu"),
        toy("array", ("before",), 3),
        toy("train", ("array",), resources="train"),
        toy("after", ("array", "train")),
    )
    assert [(each.stage, each.tasks, len(each.arrays)) for each in told] == [
        ("before", 1, 1),
        ("array", 3, 1),
        ("train", 1, 1),
        ("after", 1, 1),
    ]
    before, array, train, _ = (each.arrays[0] for each in told)
    assert [each.after for each in told] == [(), (before,), (array,), tuple(sorted((array, train)))]
    assert again(run) == []  # all of it is queued
    wait_until(lambda: whole(run))
    done = ran(run)
    assert done.count(("train", 0)) == 4  # two tasks on each of two nodes
    assert [name for name, _ in done] == ["before", *["array"] * 3, *["train"] * 4, "after"]
    assert again(run) == []
    assert "waiting" not in lines(run)


def test_what_fails_stops_what_needs_it_and_tells_why(started):
    run, _ = started(toy("bad", shards=2, fail=[1]), toy("after", ("bad",), shards=2), toy("other"))
    wait_until(lambda: all(job.state == "gone" for job in unfinished(run)))
    wait_until(lambda: "1 gone: failed" in lines(run))  # sacct lags
    assert "| ZeroDivisionError: the toy broke: é" in lines(run)
    wait_until(lambda: "2 gone: cancelled" in lines(run))  # by Slurm, because of the first
    assert ran(run, "start").count(("after", 0)) == 0
    assert ("other", 0) in ran(run)
    told = again(run)
    assert [(each.stage, each.tasks) for each in told] == [("bad", 1), ("after", 2)]


def test_cancelled_and_gone_on_with(started, tmp_path):
    go = tmp_path / "go"
    run, _ = started(toy("array", shards=2, wait_for=str(go)), toy("after", ("array",)))
    wait_until(lambda: len(ran(run, "start")) == 2)
    assert "2 running: n" in lines(run)
    assert "1 waiting: waits for another stage" in lines(run)
    assert cancel(run) == 3
    wait_until(lambda: all(job.state == "gone" for job in unfinished(run)))
    wait_until(lambda: "2 gone: cancelled" in lines(run))
    go.touch()
    assert [each.stage for each in again(run)] == ["array", "after"]
    wait_until(lambda: whole(run))
    assert cancel(run) == 0


def test_a_requeued_task_does_its_work_once(started, tmp_path, cluster):
    go = tmp_path / "go"
    run, told = started(toy("only", wait_for=str(go)))
    wait_until(lambda: ran(run, "start"))
    subprocess.run(["scontrol", "requeue", told[0].arrays[0]], env={**os.environ, **cluster}, check=True)
    wait_until(lambda: len(ran(run, "start")) == 2)
    go.touch()
    wait_until(lambda: whole(run))
    assert ran(run) == [("only", 0)]


def test_processes_of_a_start_on_one_machine_are_not_taken_for_jobs(started, tmp_path):
    go = tmp_path / "go"
    run, told = started(toy("only", wait_for=str(go)))
    row = {"stage": "only", "shard": 0, "job_id": told[0].arrays[0], "submitted": 1.0, "state": "cancelled"}
    (run / "jobs.jsonl").write_text(json.dumps(row) + "\n")  # a process that had the id of a job that now runs
    assert unfinished(run) == []
    assert [each.stage for each in again(run)] == ["only"]
    go.touch()
    wait_until(lambda: whole(run))


def test_arrays_are_cut_to_the_size_that_the_site_allows():
    assert list(chunks([0, 1, 2, 5, 7], 2)) == [[0, 1], [2, 5], [7]]
    assert list(chunks([], 2)) == []


@pytest.mark.slow
def test_a_training_on_two_nodes_is_that_of_one_process(started, tmp_path):
    tiny.folder(tmp_path / "tiny")
    model = asdict(ModelOptions(path=str(tmp_path / "tiny"), device="cpu"))
    options = asdict(SFTOptions(learning_rate=1e-3, epochs=1, batch_size=8, micro_batch_size=1, max_length=400))
    stages = [
        Stage(
            name,
            "sft",
            (),
            1,
            resources,
            inputs={"problems": "problems.jsonl.gz"},
            outputs={"training": name, "model": f"model-{name}"},
            options={"model": model, "sft": options},
        )
        for name, resources in (("one", "gpu"), ("four", "train"))
    ]
    problems = load_problems("generated:introductory-20", "train")
    run, _ = started(*stages, problems=problems)
    wait_until(lambda: whole(run) or any(job.state == "gone" for job in unfinished(run)), 200)
    assert whole(run), lines(run)
    one, four = (load_file(run / f"model-{name}" / "model.safetensors") for name in ("one", "four"))
    for name in one:
        torch.testing.assert_close(four[name], one[name], atol=1e-5, rtol=0)
    assert four.keys() == one.keys()
