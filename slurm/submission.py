"""Submitting exactly once, to a controller that may be down, overloaded, or take a job and fail to say so."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from submitit.core.utils import FailedJobError, FailedSubmissionError

from slurm.accounting import PAUSE_S, TRIES, SchedulerError, ask

T = TypeVar("T")


def token() -> str:
    """A comment by which a submission's jobs are found again."""
    return f"stepbatch-{uuid.uuid4().hex}"


def once(submit: Callable[[], T], mark: str) -> T:
    """What `submit` gives. An sbatch that failed is tried again, after whatever it left in the queue is cancelled.

    mark: part of the comment of the jobs that `submit` submits. SchedulerError.
    """
    said = ""
    for i in range(TRIES):
        if i:
            time.sleep(PAUSE_S * 2 ** (i - 1))
            if left := marked(mark):
                ask(["scancel", *left])
        try:
            return submit()
        except (FailedJobError, FailedSubmissionError) as error:
            said = str(error).strip()
    raise SchedulerError(f"sbatch failed {TRIES} times: {said}")


def marked(mark: str) -> list[str]:
    """The ids of the jobs, or arrays, with this mark in their comment. SchedulerError."""
    rows = (row.partition("|") for row in ask(["squeue", "--me", "-ah", "-o", "%F|%k"]).splitlines())
    return sorted({job for job, _, comment in rows if mark in comment})
