"""What became of a run's jobs on Slurm: the run directory first, then squeue, then sacct, which may lag, forget or be absent."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.progress import done_path
from slurm.accounting import TaskState, accounted, queued

ENDED_ILL = {  # Slurm's states → what they mean
    "FAILED": "failed",
    "TIMEOUT": "ran out of time: raise the stage's time",
    "OUT_OF_MEMORY": "ran out of memory: raise the stage's mem",
    "NODE_FAIL": "its node was lost",
    "PREEMPTED": "made way for another job",
    "CANCELLED": "cancelled",
    "BOOT_FAIL": "its node did not boot",
    "DEADLINE": "its deadline passed",
    "COMPLETED": "ended well, but its work is not there: a shared file system may show it in a moment",
}


@dataclass(frozen=True, slots=True)
class JobOfTask:
    """The last job of a task that is not done. Made by `unfinished`; read by status, cancel and submit."""

    stage: str
    shard: int
    job_id: str
    state: str  # waiting, running, or gone
    told: str  # why it waits, where it runs, or how it ended
    log: Path


def unfinished(run: Path, asked: bool = True) -> list[JobOfTask]:
    """Of every task that was submitted and is not done, its last job. SchedulerError where squeue does not answer."""
    theirs = [row for row in rows(run) if on_slurm(row)]
    last = {(row["stage"], row["shard"]): row for row in theirs if not done_path(run, row["stage"], row["shard"]).exists()}
    ids = {array_of(row["job_id"]) for row in last.values()}
    if not ids:
        return []
    here = queued(ids)
    gone = {array_of(row["job_id"]) for row in last.values() if row["job_id"] not in here}
    ended = (accounted(gone, min(row["submitted"] for row in last.values())) if gone and asked else None) or {}
    return [_job(row, here.get(row["job_id"]), ended.get(row["job_id"])) for row in last.values()]


def _job(row: dict[str, Any], here: TaskState | None, ended: TaskState | None) -> JobOfTask:
    if here and here.waits:
        state, told = "waiting", here.reason
    elif here:
        state, told = "running", here.node
    elif ended:
        state, told = "gone", ENDED_ILL.get(ended.state, ended.state.lower())
    else:
        state, told = "gone", "no longer in the queue, and accounting does not know it"
    return JobOfTask(row["stage"], row["shard"], row["job_id"], state, told, Path(row["log"]))


def rows(run: Path) -> list[dict[str, Any]]:
    """Of jobs.jsonl; a line cut short by a kill is left out."""
    path = run / "jobs.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []


def on_slurm(row: dict[str, Any]) -> bool:
    """Whether a row of jobs.jsonl is of Slurm: a run may have begun on one machine, where ids are those of processes."""
    return row.get("cluster") == "slurm"


def array_of(job_id: str) -> str:
    """The array of a task of an array."""
    return job_id.partition("_")[0]


def in_queue(jobs: Collection[JobOfTask]) -> list[JobOfTask]:
    """Those that wait or run."""
    return [job for job in jobs if job.state != "gone"]
