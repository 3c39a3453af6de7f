"""sbatch that fails, before or after Slurm took the job: in the end there is one job."""

from __future__ import annotations

import pytest
from submitit.core.utils import FailedJobError

from slurm import accounting, submission
from slurm.accounting import SchedulerError
from slurm.submission import marked, once, token


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A squeue and a scancel on PATH, over the files of a folder."""
    for name, script in {
        "squeue": f'cd {tmp_path}/queue && for job in *; do echo "$job|$(cat $job)"; done',
        "scancel": f'cd {tmp_path}/queue && rm "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "1").write_text("of another")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(submission, "PAUSE_S", 0.01)
    monkeypatch.setattr(accounting, "PAUSE_S", 0.01)
    return tmp_path / "queue"


def test_a_submission_that_got_through_unheard_is_not_doubled(slurm):
    mark, ids = token(), iter(("2", "3", "4"))

    def submit():
        job = next(ids)
        if job != "3":
            (slurm / job).write_text(f"mine {mark}")
        if job != "4":
            raise FailedJobError("socket timed out")
        return job

    assert once(submit, mark) == "4"
    assert marked(mark) == ["4"]
    assert {path.name for path in slurm.iterdir()} == {"1", "4"}


def test_in_the_end_it_gives_up(slurm):
    def submit():
        raise FailedJobError("sbatch: error: invalid partition specified: gpus\n")

    with pytest.raises(SchedulerError, match="sbatch failed 6 times: sbatch: error: invalid partition specified: gpus"):
        once(submit, "x")
