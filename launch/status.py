"""How far a run is, from the files of its directory alone, and the lines that show it while it runs."""

from __future__ import annotations

import fcntl
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from launch.plan import Stage, read_plan
from launch.progress import UNITS, done_path, done_shards, lock_path, progress_path, read_json
from launch.queue import on_slurm, rows, unfinished
from slurm.jobs import tail

State = Literal["waiting", "running", "done", "failed", "stopped"]
DRAW_S = 0.5
TOLD_LINES = 8  # of a failed task's log
PLAIN_INTERVAL_S = 5.0  # least time between two plain lines of a stage
WINDOW_S = 30.0  # over which a speed is measured


@dataclass(frozen=True, slots=True)
class StageStatus:
    """One stage now. Made by `stage_status`; read by `status` and by `Display`."""

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


def stage_status(run: Path, stage: Stage, last: dict[tuple[str, int], str], cached: dict[Path, Any] | None = None) -> StageStatus:
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


def _state(stage: Stage, whole: set[int], last: dict[tuple[str, int], str]) -> State:
    if len(whole) == stage.shards:
        return "done"
    states = {state for (name, shard), state in last.items() if name == stage.name and shard not in whole}
    order: tuple[tuple[str, State], ...] = (("submitted", "running"), ("failed", "failed"), ("cancelled", "stopped"))
    return next((state for word, state in order if word in states), "waiting")


def _held(lock: Path) -> bool:
    """Whether a process holds this lock."""
    if not lock.exists():
        return False
    with lock.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def last_states(run: Path) -> dict[tuple[str, int], str]:
    """The last state of each (stage, shard) in jobs.jsonl."""
    return {(row["stage"], row["shard"]): row["state"] for row in rows(run)}


def status_lines(run: Path) -> list[str]:
    """The run as lines for a person: a line a stage. Raises ConfigError where `run` is no run directory."""
    stages, last = read_plan(run), last_states(run)
    if any(on_slurm(row) for row in rows(run)):
        return _slurm_lines(run, stages, last)
    if not _held(run / "lock"):  # no driver lives: what it submitted runs on only where a lock says so
        for (stage, shard), state in last.items():
            if state == "submitted" and not _held(lock_path(run, stage, shard)):
                last[stage, shard] = "cancelled"
    return [_line(stage_status(run, stage, last), None) for stage in stages]


def _slurm_lines(run: Path, stages: tuple[Stage, ...], last: dict[tuple[str, int], str]) -> list[str]:
    """Under a stage that is not done, why: what its jobs wait for, where they run, how they failed and the end of their log."""
    words = {"waiting": "queued", "running": "submitted", "gone": "failed"}
    jobs = unfinished(run)
    last |= {(job.stage, job.shard): words[job.state] for job in jobs}
    lines = []
    for stage in stages:
        lines.append(_line(stage_status(run, stage, last), None))
        told = Counter((job.state, job.told) for job in jobs if job.stage == stage.name)
        lines += [f"  {count} {state}: {text}" for (state, text), count in told.items()]
        failed = next((job for job in jobs if job.stage == stage.name and job.state == "gone" and job.log.exists()), None)
        if failed:
            lines += [f"    | {line}" for line in tail(failed.log, TOLD_LINES).splitlines()] + [f"    whole log: {failed.log}"]
    return lines


class Display:
    """A line a stage: live on a terminal, else a plain line where something changed. Use as a context."""

    def __init__(self, run: Path, stages: tuple[Stage, ...]) -> None:
        self.run, self.stages = run, stages
        self.seen: dict[str, deque[tuple[float, int]]] = {stage.name: deque() for stage in stages}
        self.cached: dict[Path, Any] = {}
        self.plain: dict[str, tuple[float, State, str]] = {}  # stage → when its last plain line was printed, and what it told
        self.drawn = 0.0
        self.live: Any = None

    def __enter__(self) -> Display:
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.live = Live(console=Console(stderr=True), auto_refresh=False)
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def tell(self, text: str) -> None:
        """Prints `text` above the live lines."""
        if self.live:
            self.live.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def show(self, states: dict[tuple[str, int], str], last: bool) -> None:
        """Looks at the run's files and draws, at most every DRAW_S unless it is the last time."""
        if time.monotonic() - self.drawn < DRAW_S and not last:
            return
        self.drawn = time.monotonic()
        rows = [stage_status(self.run, stage, states, self.cached) for stage in self.stages]
        lines = [(row, _line(row, self._speed(row))) for row in rows]
        if self.live:
            from rich.text import Text

            colours = {"done": "green", "running": "cyan", "failed": "red", "stopped": "yellow", "waiting": "dim"}
            text = Text("\n").join(Text(line, style=colours[row.state], no_wrap=True) for row, line in lines)
            self.live.update(text, refresh=True)
            return
        now = time.monotonic()
        for row, line in lines:
            when, state, told = self.plain.get(row.name, (0.0, "waiting", line))
            if row.state != state or (line != told and now - when >= PLAIN_INTERVAL_S):
                self.plain[row.name] = (now, row.state, line)
                print(line, file=sys.stderr, flush=True)

    def _speed(self, row: StageStatus) -> float | None:
        """Units a second over the last WINDOW_S, as far as this display has looked."""
        seen, now = self.seen[row.name], time.monotonic()
        if row.state != "running":
            seen.clear()
            return None
        seen.append((now, row.done))
        while now - seen[0][0] > WINDOW_S:
            seen.popleft()
        (began, first), (ended, last) = seen[0], seen[-1]
        return (last - first) / (ended - began) if last > first else None


def _line(row: StageStatus, speed: float | None) -> str:
    bar = "█" * round(12 * row.fraction)
    tasks = f"{row.shards_done}/{row.shards} tasks"
    parts = [f"{row.name:<14} {row.state:<9} {bar:░<12} {tasks:>11}"]
    if row.total is not None:
        parts.append(f"{row.done}/{row.total} {row.unit}")
    if speed and row.total is not None:
        parts += [f"{speed:.2f} {row.unit}/s", f"{duration((row.total - row.done) / speed)} left"]
    elif row.state != "running" and row.seconds:
        parts.append(f"took {duration(row.seconds)}" if row.shards == 1 else f"took {duration(row.seconds)} over all tasks")
    if row.note and row.state == "running":
        parts.append(row.note)
    return "  ".join(parts)


def duration(seconds: float) -> str:
    """As people write it: 42 s, 3:07 min, 1:02 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    return f"{whole // 60}:{whole % 60:02} min" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02} h"
