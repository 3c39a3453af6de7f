"""Of the logs of a job's ranks, the one that tells why it failed."""

from __future__ import annotations

import os

import pytest

from slurm.again import TOLD_TO_END, folder_of, tell
from slurm.logs import failed_rank_log

TASK = {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}


def end(logs, statuses, restarts=0, started=100):
    """A life of the task: (rank, status) in the order in which they ended."""
    folder = folder_of(logs, TASK | {"SLURM_RESTART_COUNT": str(restarts), "STEPBATCH_STARTED": str(started)})
    folder.mkdir()
    for second, (rank, status) in enumerate(statuses):
        tell(folder, rank, 4, status)
        os.utime(folder / f"{rank}-of-4", (second, second))


@pytest.fixture
def logs(tmp_path):
    for rank in range(4):
        (tmp_path / f"7_2_{rank}_log.err").write_text(f"of rank {rank}")
    return tmp_path


@pytest.mark.parametrize(
    ("statuses", "rank"),
    [
        ([], 0),
        ([(2, 1), (0, 1), (1, 1), (3, 1)], 2),
        ([(1, 0), (3, -9), (2, 7), (0, 1)], 2),
        ([(3, TOLD_TO_END), (0, TOLD_TO_END)], 0),
    ],
)
def test_the_first_rank_with_an_error_of_its_own(logs, statuses, rank):
    end(logs, statuses)
    assert failed_rank_log(logs / "7_2_0_log.err").read_text() == f"of rank {rank}"


def test_the_last_life_counts(logs):
    end(logs, [(3, 1)], restarts=9, started=100)
    end(logs, [(1, 1)], restarts=10, started=200)
    assert failed_rank_log(logs / "7_2_0_log.err").name == "7_2_1_log.err"
    end(logs, [], restarts=11, started=300)  # it runs again
    assert failed_rank_log(logs / "7_2_0_log.err").name == "7_2_0_log.err"


def test_a_log_that_is_late_or_of_no_job_of_slurm(tmp_path):
    assert failed_rank_log(tmp_path / "x.err") == tmp_path / "x.err"
    end(tmp_path, [(2, 1)])
    assert failed_rank_log(tmp_path / "7_2_0_log.err") == tmp_path / "7_2_0_log.err"
