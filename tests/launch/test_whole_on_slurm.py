"""A small run, real in every stage, on a real Slurm: submitted with one command, its fine-tuning on two nodes of two tasks each."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from launch.plan import read_plan
from launch.progress import done_shards
from launch.queue import unfinished
from tests.launch.toys import ROOT, environment, wait_until
from tests.launch.whole import overrides, rows

SMALL = ("cluster.train.mem=2GB", "cluster.gpu.mem=2GB", "cluster.cpu.mem=1GB")


def launch(cluster, run, *argv):
    env = environment(run) | {"SLURM_CONF": cluster["SLURM_CONF"], "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-m", "launch", *argv], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_on_slurm_ends_in_the_local_runs_rows(cluster, tmp_path, unbroken, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    model, data, expected = unbroken
    run = tmp_path / "run"
    told = launch(cluster, run, *overrides(run, model, data), "sampling.shards=2", "cluster=minicluster", *SMALL)
    assert told.startswith("sample-train   2 tasks  job")
    assert [line.split()[0] for line in told.splitlines()[:-1]] == [stage.name for stage in read_plan(run)]

    def ended():
        lost = [job for job in unfinished([run], asked=False) if job.state == "gone"]
        assert not lost, launch(cluster, run, "status", str(run))
        return all(len(done_shards(run, stage.name)) == stage.shards for stage in read_plan(run))

    wait_until(ended, 400)
    assert rows(run) == expected
    ranks = json.loads((run / "finetune" / "_lock" / "0.ranks").read_text())
    job = ranks["life"].partition(".")[0]
    env = {**os.environ, **cluster}
    of_slurm = subprocess.run(["scontrol", "show", "job", job], env=env, capture_output=True, text=True, check=True).stdout
    assert "NumNodes=2" in of_slurm
    assert "NumTasks=4" in of_slurm
    status = launch(cluster, run, "status", str(run))
    assert all(" done " in line for line in status.splitlines()), status
    for stage in ("sample-train", "judge-train", "finetune"):
        (busy,) = re.findall(rf"^{stage} .* CPU h \((\d+)% busy\)", status, re.MULTILINE)
        assert 0 < int(busy) < 300, status


def test_a_multirun_of_six_points_is_an_array_a_stage(cluster, tmp_path, unbroken):
    """Held, so that nothing of it runs: what counts is what the scheduler has."""
    model, data, _ = unbroken
    sweep = tmp_path / "sweep"
    held = "cluster.gpu.additional_parameters={hold: true}"
    swept = ("method.replay.weight=0,0.5,1", "method.sft.epochs=1,2")
    told = launch(cluster, sweep, "--multirun", *overrides(sweep, model, data), *swept, "cluster=minicluster", held)
    submitted = {line.split()[0]: line.split()[4].rstrip(",") for line in told.splitlines()[:-1]}
    assert list(submitted) == [*(stage.name for stage in read_plan(next(sweep.glob("weight=*")))), "sweep-table"]

    env = {**os.environ, **cluster}
    queue = subprocess.run(["squeue", "-hr", "-o", "%F %K %j %E"], env=env, capture_output=True, text=True, check=True).stdout
    rows = [line.split(maxsplit=3) for line in queue.splitlines() if line.split()[0] in submitted.values()]
    tasks = {name: len([row for row in rows if row[0] == job]) for name, job in submitted.items()}
    shared = {"sample-train": 1, "judge-train": 2, "sample-before": 1, "judge-before": 2}  # 2 shards of one run
    assert tasks == shared | {"finetune": 6, "sample-after": 6, "judge-after": 6, "tables": 6, "sweep-table": 1}
    waits = {row[2]: row[3] for row in rows}
    assert waits["sample-after"] == f"aftercorr:{submitted['finetune']}_*(unfulfilled)"
    assert waits["judge-after"] == f"aftercorr:{submitted['sample-after']}_*(unfulfilled)"
    assert f"aftercorr:{submitted['judge-after']}_*(unfulfilled)" in waits["tables"]
    assert f"afterok:{submitted['judge-before']}" in waits["tables"]
    assert waits["sweep-table"].startswith(f"afterany:{submitted['tables']}")
    launch(cluster, sweep, "cancel", str(sweep))
