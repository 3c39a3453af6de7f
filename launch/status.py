"""How far a run or a sweep is: from the files of its directory first, then from squeue, then from sacct."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from launch.plan import Run, Stage
from launch.progress import UNITS, done_path, done_shards, held, home, lock_path, progress_path, read_json
from launch.queue import JobOfTask, homes, on_slurm, rows

State = Literal["waiting", "running", "done", "failed", "stopped"]
WORDS: dict[str, str] = {"waiting": "queued", "running": "submitted", "gone": "failed"}  # of a job → of a shard


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage now. Made by `stage_status`; read by `launch.display` and `launch.report`."""

    name: str
    state: State
    shards_done: int
    shards: int
    done: int  # units of work, over all shards
    total: int | None  # None: no shard has told yet
    unit: str
    seconds: float | None  # of its tasks so far, added up
    note: str = ""  # what its last step told

    @property
    def fraction(self) -> float:
        return 1.0 if self.state == "done" else self.done / self.total if self.total else 0.0


def stage_status(
    run: Path, stage: Stage, last: Mapping[tuple[str, int], str], cached: dict[Path, Any] | None = None
) -> StageStatus:
    """`last` is the last state of each (stage, shard) in jobs.jsonl. `cached` keeps what can't change any more."""
    cached = {} if cached is None else cached
    whole = done_shards(run, stage.name)
    done, totals, seconds, note = 0, [], 0.0, ""
    for shard in range(stage.shards):
        path = progress_path(run, stage.name, shard)
        row = cached.get(path) or read_json(path)
        if shard in whole and row:
            cached[path] = row
        if row:
            done += row["total"] if shard in whole else row["done"]
            totals.append(row["total"])
            note = row.get("note", "")
        if shard in whole:
            path = done_path(run, stage.name, shard)
            cached[path] = cached.get(path) or read_json(path)
            seconds += cached[path]["seconds"]
        elif row:
            seconds += row["updated"] - row["started"]
    total = round(sum(totals) / len(totals) * stage.shards) if totals else None
    unit = UNITS.get(stage.kind, "steps")
    state = _state(stage, whole, last)
    taken = seconds if totals or whole else None
    return StageStatus(stage.name, state, len(whole), stage.shards, done, total, unit, taken, note)


def _state(stage: Stage, whole: set[int], last: Mapping[tuple[str, int], str]) -> State:
    if len(whole) == stage.shards:
        return "done"
    states = {state for (name, shard), state in last.items() if name == stage.name and shard not in whole}
    order: tuple[tuple[str, State], ...] = (("submitted", "running"), ("failed", "failed"), ("cancelled", "stopped"))
    return next((state for word, state in order if word in states), "waiting")


def last_states(run: Path, jobs: Sequence[JobOfTask] = ()) -> dict[tuple[str, int], str]:
    """The last state of each (stage, shard) that this run itself does: of jobs.jsonl, or what the scheduler says of its jobs."""
    last = {(row["stage"], row["shard"]): row["state"] for row in rows(run)}
    if any(on_slurm(row) for row in rows(run)):
        return last | {(job.stage, job.shard): WORDS[job.state] for job in jobs if job.run == run}
    if not held(run / "lock"):  # no driver lives: what it submitted runs on only where a lock says so
        for (stage, shard), state in last.items():
            if state == "submitted" and not held(lock_path(run, stage, shard)):
                last[stage, shard] = "cancelled"
    return last


def statuses(runs: Sequence[Run], jobs: Sequence[JobOfTask] = ()) -> list[StageStatus]:
    """Each stage, of all runs together; what several share counts once."""
    states = {path: last_states(path, jobs) for path in homes(run.path for run in runs)}
    found: dict[str, dict[Path, StageStatus]] = {}
    for run in runs:
        for stage in run.stages:
            doer = home(run.path, stage.name)
            found.setdefault(stage.name, {})[doer] = stage_status(doer, stage, states[doer])
    return [_together(list(each.values())) for each in found.values()]


def _together(of_runs: Sequence[StageStatus]) -> StageStatus:
    """One stage of several runs."""
    states = {each.state for each in of_runs}
    order: tuple[State, ...] = ("running", "failed", "stopped", "waiting", "done")
    state = next(word for word in order if word in states)
    totals = [each.total for each in of_runs if each.total is not None]
    seconds = [each.seconds for each in of_runs if each.seconds is not None]
    return StageStatus(
        of_runs[0].name,
        state,
        sum(each.shards_done for each in of_runs),
        sum(each.shards for each in of_runs),
        sum(each.done for each in of_runs),
        round(sum(totals) / len(totals) * len(of_runs)) if totals else None,
        of_runs[0].unit,
        sum(seconds) if seconds else None,
        of_runs[0].note if len(of_runs) == 1 else "",
    )
