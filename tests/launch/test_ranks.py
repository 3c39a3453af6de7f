"""The ranks of a job find each other, and only those of the same life of it."""

import os
import socket
import subprocess
import sys
import threading
from types import SimpleNamespace

import pytest

from launch import ranks
from launch.plan import Stage
from launch.progress import done_path, write_json
from launch.ranks import Place, call, heed, place_in
from tests.launch.toys import ROOT, environment, make_run

STEP = {"SLURM_STEP_ID": "0", "SLURM_NTASKS": "4", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_JOB_ID": "7"}


def test_places():
    assert place_in({}) == place_in({"SLURM_NTASKS": "4"}) == Place(0, 0, 1, "")  # a batch script is one process
    assert place_in(STEP) == Place(3, 1, 4, "7.0.0.0")
    assert place_in(STEP | {"SLURM_RESTART_COUNT": "2"}).life == "7.2.0.0"


def test_a_start_that_slurm_has_forgotten_is_another_life():
    """Its last call still lies there; the address in it is that of a process that is gone."""
    first, again = (place_in(STEP | {"STEPBATCH_STARTED": seconds}) for seconds in ("100", "160"))
    assert first.life != again.life


def test_the_others_hear_the_call_of_their_own_life(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"SLURMD_NODENAME": "n5"})
    file, done = tmp_path / "0.ranks", tmp_path / "done"
    first, other = Place(0, 0, 2, "7.1.0"), Place(1, 1, 2, "7.1.0")
    write_json(file, {"life": "7.0.0", "address": "n1", "port": 1})  # of the life before
    timer = threading.Timer(0.3, lambda: call(first, file))
    timer.start()
    assert heed(other, file, done)
    timer.join()
    assert {name: os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR")} == {
        "RANK": "1",
        "LOCAL_RANK": "1",
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "n5",
    }
    assert int(os.environ["MASTER_PORT"]) > 1024


def test_nothing_is_to_be_done_where_it_is_done(tmp_path):
    (tmp_path / "done").touch()
    assert not heed(Place(1, 1, 2, "7.0.0"), tmp_path / "0.ranks", tmp_path / "done")


def test_the_others_wait_as_long_as_rank_0_for_a_job_that_does_the_same(tmp_path, monkeypatch):
    done, hours = tmp_path / "done", []

    def sleep(seconds):
        hours.append(seconds)
        if len(hours) == 9:  # the other job has ended
            done.touch()

    monkeypatch.setattr(ranks, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: 3600.0 * len(hours)))
    assert not heed(Place(1, 1, 2, "7.0.0"), tmp_path / "0.ranks", done)


RANKS = """
import torch
from core import engine

def work(task):
    ranks = engine.start("cpu")
    met = int(engine.total(torch.ones(1), torch.device("cpu")))
    (task.run / f"rank-{ranks.rank}").write_text(f"{ranks.local_rank} of {ranks.world}, met {met}")
    engine.stop()
"""


@pytest.mark.slow
def test_torchrun_starts_the_ranks_of_one_training(tmp_path):
    run = make_run(tmp_path, Stage("train", "ranks_toy:work", (), 1, "train"))
    (tmp_path / "toys" / "ranks_toy.py").write_text(RANKS)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--master-port", str(free_port()), "--nproc-per-node", "2"]
    command = [*torchrun, "-m", "launch", "stage", str(run), "train"]
    for _ in range(2):  # the second one, at the same port, must not hear the call of the first
        subprocess.run(command, cwd=ROOT, env=environment(run), check=True, timeout=120)
        assert [(run / f"rank-{rank}").read_text() for rank in range(2)] == ["0 of 2, met 2", "1 of 2, met 2"]
        done_path(run, "train", 0).unlink()
        for rank in range(2):
            (run / f"rank-{rank}").unlink()


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
