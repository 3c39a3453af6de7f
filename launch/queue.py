"""What became of a run's jobs on Slurm: the run directory first, then squeue, then sacct, which may lag, forget or be absent."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.progress import done_path, home
from slurm.accounting import SchedulerError, TaskState, accounted, queued

Ended = Mapping[str, TaskState]  # by job

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

CANCELLED = "cancelled"  # the state of a row, where `launch cancel` has ended its job
NOT_KNOWN = "no longer in the queue, and accounting does not know it (yet)"
SILENT = "accounting does not answer: no hours, and how a job ended is told by its log alone"
NOT_ASKED = "no longer in the queue, its work not done: it failed or was cancelled"  # there is no accounting


@dataclass(frozen=True, slots=True)
class JobOfTask:
    """The last job of a shard that is not done. Made by `unfinished`; read by status, logs, cancel and submit."""

    run: Path  # that does it: another point of the sweep where it is shared
    stage: str
    shard: int
    job_id: str
    state: str  # waiting, running, or gone
    told: str  # why it waits, where it runs, or how it ended
    log: Path
    seconds: float = 0.0  # for which it has been running

    @property
    def key(self) -> tuple[Path, str, int]:
        return self.run, self.stage, self.shard


def ended_jobs(ids: Collection[str], since: float) -> Ended | None:
    """As `accounted`; None too where accounting is out of order, and says so: the run directory and the queue must do."""
    try:
        return accounted(ids, since)
    except SchedulerError as error:
        print(f"launch: {SILENT}: {error}", file=sys.stderr)
        return None


def unfinished(
    runs: Iterable[Path], asked: bool = True, accounts: Callable[[Collection[str], float], Ended | None] = ended_jobs
) -> list[JobOfTask]:
    """Of every shard that was submitted and is not done, its last job. SchedulerError where squeue does not answer.

    asked: whether accounts are asked how those that are not queued have ended. accounts: (arrays, submitted since) → by job.
    """
    last = {key: row for key, row in last_rows(runs).items() if not done_path(*key).exists()}
    ids = {array_of(row["job_id"]) for row in last.values()}
    if not ids:
        return []
    states = queued(ids)
    here = {key: states[row["job_id"]] for key, row in last.items() if is_of(row, states.get(row["job_id"]))}
    # What was cancelled may still save for a while; it does no more, and what waited for it would be cancelled too.
    here = {key: state for key, state in here.items() if not (last[key]["state"] == CANCELLED and state.state == "COMPLETING")}
    gone = {array_of(row["job_id"]) for key, row in last.items() if key not in here and row["state"] != CANCELLED}
    ended = accounts(gone, min(row["submitted"] for row in last.values())) if gone and asked else None
    silent = NOT_ASKED if ended is None else NOT_KNOWN
    return [_job(key[0], row, here.get(key), (ended or {}).get(row["job_id"]), silent) for key, row in last.items()]


def last_rows(runs: Iterable[Path]) -> dict[tuple[Path, str, int], dict[str, Any]]:
    """(run, stage, shard) → its last row of Slurm."""
    return {(run, row["stage"], row["shard"]): row for run, row in slurm_rows(runs)}


def note_cancelled(jobs: Sequence[JobOfTask]) -> None:
    """Notes that these were cancelled on purpose: Slurm says so late, or never, and they are not to be tried again as failed."""
    last = last_rows({job.run for job in jobs})
    for run in dict.fromkeys(job.run for job in jobs):
        note(run, [last[job.key] | {"state": CANCELLED} for job in jobs if job.run == run])


def slurm_rows(runs: Iterable[Path]) -> list[tuple[Path, dict[str, Any]]]:
    """(run, row) of Slurm's jobs; of another point of a sweep only of what it does for these runs too."""
    theirs = list(runs)
    own, parts = set(theirs), parts_of(theirs)
    of_homes = [(run, row) for run in homes(theirs) for row in rows(run) if on_slurm(row)]
    return [(run, row) for run, row in of_homes if run in own or (run, row["stage"]) in parts]


def parts_of(runs: Iterable[Path]) -> set[tuple[Path, str]]:
    """(run that does it, stage) of what others do for these runs."""
    return {(home(run, link.name), link.name) for run in runs for link in _links(run)}


def is_of(row: dict[str, Any], state: TaskState | None) -> bool:
    """Whether a job in the queue is that of a row: a controller that was killed may give the id of a job to another.

    By its mark; by its script's folder where the site has written a comment of its own over the mark.
    """
    return state is not None and (row.get("mark", "") in state.origin or f"|{Path(row['log']).parent}/" in state.origin)


def homes(runs: Iterable[Path]) -> list[Path]:
    """The runs, and those that do what they share."""
    return list(dict.fromkeys(home(run, path.name) for run in runs for path in (run, *_links(run))))


def _links(run: Path) -> list[Path]:
    return sorted(path for path in run.iterdir() if path.is_symlink() and (path.name != "code"))


def _job(run: Path, row: dict[str, Any], here: TaskState | None, ended: TaskState | None, silent: str) -> JobOfTask:
    log, name = Path(row["log"]), (run, row["stage"], row["shard"], row["job_id"])
    if here and here.waits:
        state, told = "waiting", here.reason
    elif here:
        return JobOfTask(*name, "running", here.node, log, here.elapsed_s)
    elif row["state"] == CANCELLED:
        state, told = "gone", ENDED_ILL["CANCELLED"]
    elif ended:
        state, told = "gone", ENDED_ILL.get(ended.state, ended.state.lower())
    else:
        state, told = "gone", silent
    return JobOfTask(*name, state, told, log)


def rows(run: Path) -> list[dict[str, Any]]:
    """Of jobs.jsonl; a line that a kill or a full disk has cut short is left out."""
    path = run / "jobs.jsonl"
    return [row for row in map(_row, path.read_text().splitlines()) if row] if path.exists() else []


def _row(line: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(line))
    except ValueError:
        return None


def note(run: Path, more: Iterable[Mapping[str, Any]]) -> None:
    """Appends rows to jobs.jsonl, all in one write; of several rows of one stage and shard, the last counts."""
    text = "".join(json.dumps(row) + "\n" for row in more)
    with (run / "jobs.jsonl").open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            text = text if file.read(1) == b"\n" else "\n" + text  # a line that was cut short must not cost the next one
        file.write(text.encode())


def on_slurm(row: dict[str, Any]) -> bool:
    """Whether a row of jobs.jsonl is of Slurm: a run may have begun on one machine, where ids are those of processes."""
    return row.get("cluster") == "slurm"


def array_of(job_id: str) -> str:
    """The array of a task of an array."""
    return job_id.partition("_")[0]


def in_queue(jobs: Collection[JobOfTask]) -> list[JobOfTask]:
    """Those that wait or run."""
    return [job for job in jobs if job.state != "gone"]
