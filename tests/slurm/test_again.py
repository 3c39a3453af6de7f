"""Which jobs are sent back to the queue: what crashed, was lost or told to end; not what failed, and nothing that was cancelled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slurm import again
from slurm.again import TOLD_TO_END, folder_of, name_of, reason, runs, tell

TASK = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2", "SLURM_RESTART_COUNT": "1"}


def test_a_task_is_not_taken_for_its_array():
    assert name_of(TASK) == "7_2"
    assert name_of({"SLURM_JOB_ID": "9"}) == "9"
    assert folder_of(Path("/logs"), TASK) == Path("/logs/7_2.1.0.ended")
    assert folder_of(Path("/logs"), TASK | {"STEPBATCH_STARTED": "160"}) == Path("/logs/7_2.1.160.ended")


@pytest.mark.parametrize(
    ("statuses", "why"),
    [
        ({0: 1, 1: 1}, ""),
        ({0: 1, 1: 0}, ""),
        ({0: 1, 1: -signal.SIGKILL}, "rank 1 ended with signal 9 (SIGKILL)"),
        ({0: TOLD_TO_END, 1: TOLD_TO_END}, "rank 0 was told to end"),
        ({0: 1}, "no word of rank 1: killed whole, or lost with its node"),
        ({}, "no word of rank 0: killed whole, or lost with its node"),
        ({0: -signal.SIGINT, 1: 1}, ""),
    ],
)
def test_reasons_to_run_again(tmp_path, statuses, why):
    for rank, status in statuses.items():
        tell(tmp_path, rank, 2, status)
    assert reason(tmp_path) == why


def test_what_never_began_fails(tmp_path):
    assert reason(tmp_path / "not there") == ""


def test_only_this_life_of_a_job_runs():
    shown = "JobId=9 ArrayJobId=7 JobName=x JobState={} Reason=None Requeue=1 Restarts=1 BatchFlag=1"
    assert runs(shown.format("RUNNING"), 1)
    assert not runs(shown.format("RUNNING"), 0)
    assert not runs(shown.format("CANCELLED"), 1)
    assert not runs("", 0)


SCONTROL = """#!/bin/sh
echo "$@" >> {calls}
test $(wc -l < {calls}) -gt {failing} || exit 1
test "$1" = show && echo "JobState={state} Restarts=1" || true
"""


@pytest.mark.parametrize(
    ("state", "failing", "calls"),
    [
        ("RUNNING", 0, ["show", "requeue"]),
        ("RUNNING", 2, ["show", "show", "show", "requeue"]),
        ("CANCELLED", 0, ["show"]),
    ],
)
def test_the_script_beside_the_logs(tmp_path, state, failing, calls):
    (tmp_path / "bin").mkdir()
    scontrol = tmp_path / "bin" / "scontrol"
    scontrol.write_text(SCONTROL.format(calls=tmp_path / "calls", state=state, failing=failing))
    scontrol.chmod(0o755)
    script = Path(shutil.copy(again.__file__, tmp_path))
    folder_of(tmp_path, TASK).mkdir()
    environment = {**os.environ, **TASK, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        [sys.executable, "-I", str(script)], env=environment, capture_output=True, text=True, cwd="/", check=True
    )
    said = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert [words[0] for words in said] == calls
    assert all(words[-1] == "7_2" for words in said)
    assert done.stderr.endswith(again.BACK + "\n") is (state == "RUNNING")
