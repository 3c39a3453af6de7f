"""The sbatch scripts for those who submit by hand, on a real Slurm: a chain, a sweep, a training that is told to save."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launch import snapshot
from launch.plan import to_json
from launch.progress import done_path
from tests.launch.toys import ROOT, make_run, ran, toy, wait_until

# Told to save, rank 0 takes longer than the others; a second life of the job ends by itself.
TRAINING = """
import os, signal, time

def train(task):
    saved, asked = task.run / "saved", []
    before = signal.signal(signal.SIGUSR2, lambda *_: asked.append(1))
    if saved.exists():
        return
    (task.run / ("rank" + os.environ["SLURM_PROCID"])).touch()
    while not asked:
        time.sleep(0.05)
    if os.environ["SLURM_PROCID"] == "0":
        time.sleep(2)
        saved.touch()
    signal.signal(signal.SIGUSR2, before)
    signal.raise_signal(signal.SIGUSR2)
"""
SMALL = ("--mem=100MB", "--time=20", "--cpus-per-task=1")
GPUS = ("--partition=gpu", "--gpus-per-node=1")


@pytest.fixture
def sbatch(cluster, tmp_path):
    """Submits a script as one would from the clone; gives the job's id."""
    path = os.pathsep.join([str(ROOT), str(tmp_path / "toys")])
    env = cluster | {"PYTHON": sys.executable, "PYTHONPATH": path}

    def submit(script: str, run: Path, stage: str, *options: str) -> str:
        log = f"--output={tmp_path}/{script}-%j.log"
        argv = ["sbatch", "--parsable", *SMALL, log, *options, f"slurm/{script}.sbatch", str(run), stage]
        return subprocess.run(argv, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout.strip()

    return submit


def command(cluster, *argv: str) -> str:
    return subprocess.run(argv, env=cluster, check=True, capture_output=True, text=True).stdout


def logs(tmp_path) -> str:
    return "\n".join(path.read_text() for path in tmp_path.glob("*.log"))


def whole(run: Path, stage: str, shards: int = 1) -> bool:
    return all(done_path(run, stage, shard).exists() for shard in range(shards))


def test_a_chain_by_hand(sbatch, cluster, tmp_path):
    run = make_run(tmp_path, toy("train", resources="train"), toy("array", ("train",), 3), toy("end", ("array",)))
    snapshot.take(run)
    ranks = ("--nodes=2", "--ntasks-per-node=2")
    train = sbatch("train", run, "train", *GPUS, *ranks)
    array = sbatch("judge_array", run, "array", "--array=0-2", f"--dependency=afterok:{train}")
    end = sbatch("judge_array", run, "end", f"--dependency=afterok:{array}")
    wait_until(lambda: whole(run, "end") or not command(cluster, "squeue", "-h", "-j", f"{train},{array},{end}"), 120)
    assert whole(run, "end"), logs(tmp_path)
    assert ran(run) == [("train", 0)] * 4 + [each for each in ran(run) if each[0] == "array"] + [("end", 0)]
    assert sorted(shard for name, shard in ran(run) if name == "array") == [0, 1, 2]


def test_a_training_that_is_told_to_save_is_queued_again_and_ends(sbatch, cluster, tmp_path):
    run = make_run(tmp_path, toy("train", kind="hand_stages:train", resources="train"))
    (tmp_path / "toys" / "hand_stages.py").write_text(TRAINING)
    snapshot.take(run)
    job = sbatch("train", run, "train", *GPUS, "--nodes=2")
    wait_until(lambda: all((run / f"rank{i}").exists() for i in range(2)), 90)
    command(cluster, "scancel", "--signal=USR2", job)
    wait_until((run / "saved").exists)  # although the other rank ended two seconds before
    wait_until(lambda: whole(run, "train"), 120)
    assert "Restarts=1" in command(cluster, "scontrol", "show", "job", job)


def test_a_stage_of_every_point_of_a_sweep(sbatch, cluster, tmp_path):
    stages = (toy("train", resources="train"), toy("judge", ("train",), 2, fail=[]))
    sweep = make_run(tmp_path).parent / "s"
    for name in ("seed=1", "seed=2", "seed=3"):
        (sweep / name).mkdir(parents=True)
        (sweep / name / "plan.json").write_text(to_json(stages))
        (sweep / name / "code").symlink_to("../code")
    snapshot.take(sweep)
    (sweep / "sweep.json").write_text(json.dumps({"points": ["seed=2", "seed=1", "seed=3"]}))
    train = sbatch("sweep", sweep, "train", "--array=0-1", *GPUS)
    judge = sbatch("sweep", sweep, "judge", "--array=0-1", f"--dependency=aftercorr:{train}", *GPUS)
    wait_until(lambda: not command(cluster, "squeue", "-h", "-j", f"{train},{judge}"), 120)
    done = {path.name: ran(path) for path in sweep.glob("seed=*")}
    both = [("train", 0), ("judge", 0), ("judge", 1)]
    assert done == {"seed=1": both, "seed=2": both, "seed=3": []}, logs(tmp_path)
