"""The lines that show how far a run is: live on a terminal, plain in a file."""

from __future__ import annotations

import sys
import time
from collections import deque
from pathlib import Path
from typing import Any

from launch.plan import Stage
from launch.status import StageStatus, State, stage_status

DRAW_S = 0.5
PLAIN_INTERVAL_S = 5.0  # least time between two plain lines of a stage
WINDOW_S = 30.0  # over which a speed is measured


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
        lines = [(row, stage_line(row, self._speed(row))) for row in rows]
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


def stage_line(row: StageStatus, speed: float | None = None) -> str:
    """A stage: its state, a bar, how many tasks and units of work are done, and how long it took or will take."""
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
