"""One rank of four ends ill while the others wait for it: its own error ends the job, a crash sends it back to the queue."""

from __future__ import annotations

import json
import subprocess

import pytest

from launch import lives, snapshot
from launch.plan import Run, Stage, read_plan
from launch.progress import done_path
from launch.queue import unfinished
from launch.report import log_lines, status_lines
from launch.submit_slurm import submit
from tests.launch.test_submit_slurm import CLUSTER
from tests.launch.toys import make_run, wait_until

RANKS = """
import os, signal, sys, time

def work(task):
    life = int(os.environ.get("SLURM_RESTART_COUNT", "0"))
    if life < task.stage.options["lives"]:
        if os.environ["SLURM_PROCID"] == "2":
            exec(task.stage.options["ill"])
        time.sleep(600)
"""


@pytest.fixture
def started(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "toys"))

    def start(ill, lives=1):
        run = make_run(tmp_path, Stage("train", "ranks_toy:work", (), 1, "train", options={"ill": ill, "lives": lives}))
        (tmp_path / "toys" / "ranks_toy.py").write_text(RANKS)
        snapshot.take(run)
        (job,) = submit([Run(run, read_plan(run))], CLUSTER)
        return run, job.id

    return start


def restarts(job):
    told = subprocess.run(["scontrol", "show", "job", "-o", job], capture_output=True, text=True, check=True).stdout
    return int(told.partition("Restarts=")[2].split()[0])


def gone(run):
    return all(job.state == "gone" for job in unfinished([run]))


def test_an_error_of_one_rank_ends_the_job(started):
    run, job = started("raise ZeroDivisionError('of rank 2')")
    wait_until(lambda: gone(run), 120)
    assert restarts(job) == 0
    assert not done_path(run, "train", 0).exists()
    for told in (status_lines(run), log_lines(run, None, None), log_lines(run, "train", None)):
        assert "ZeroDivisionError: of rank 2" in "\n".join(told)


@pytest.mark.parametrize("number", [9, 11])
def test_a_rank_that_crashes_sends_the_job_back(started, number):
    run, job = started(f"os.kill(os.getpid(), {number})")
    wait_until(lambda: done_path(run, "train", 0).exists() or gone(run), 120)
    assert restarts(job) == 1
    assert done_path(run, "train", 0).exists(), "\n".join(status_lines(run))


def test_what_never_gets_on_fails_in_the_end(started, monkeypatch):
    run, job = started("os.kill(os.getpid(), 9)", lives=100)
    life = {"job": job, "restart": -1, "parts": 0, "step": 0, "idle": lives.MOST - 2}
    (run / "train" / "_lives").mkdir(parents=True)
    (run / "train" / "_lives" / "0.json").write_text(json.dumps(life))  # as if it had restarted some times already
    wait_until(lambda: gone(run), 180)
    assert restarts(job) == 1
    text = "\n".join(status_lines(run))
    assert "StuckError: train 0: job" in text
    assert "its last 5 restarts found nothing new" in text
