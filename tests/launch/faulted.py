"""A run on a Slurm under which something breaks, and the moments at which it does."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from launch.config import ClusterOptions
from launch.plan import read_plan
from launch.progress import done_path
from launch.queue import unfinished
from launch.report import status_lines
from tests.launch import faults, small_experiment
from tests.launch.faults import Target

SEED = int(os.environ.get("FAULTS_SEED") or random.randrange(10**6))
RUN_S = 600.0  # for a run, on a busy machine


@dataclass
class Faulted:
    """A run under way, and what was done to it."""

    run: Path
    options: ClusterOptions
    moments: random.Random
    hits: list[str] = field(default_factory=list)
    submitted: int = 0  # times
    by_hand: bool = False  # whether somebody submits again what ended ill
    administered: bool = False  # whether somebody sees to what Slurm holds back

    def submit(self) -> None:
        self.submitted += 1
        small_experiment.go(self.run, self.options)

    def whole(self, stage: str = "") -> bool:
        """The stage, or the run."""
        stages = [each for each in read_plan(self.run) if stage in ("", each.name)]
        return all(done_path(self.run, each.name, i).exists() for each in stages for i in range(each.shards))

    def told(self) -> str:
        return f"FAULTS_SEED={SEED}; hits: {self.hits}; submitted {self.submitted} times\n" + "\n".join(status_lines(self.run))

    def until(self, condition: Callable[[], object], seconds: float = RUN_S) -> None:
        """Waits; what ends ill in the meantime is told."""
        until, look = time.monotonic() + seconds, time.monotonic() + 5.0
        while not condition():
            assert time.monotonic() < until, f"waited too long. {self.told()}"
            if time.monotonic() > look:
                look = time.monotonic() + 5.0
                gone = [job for job in unfinished([self.run]) if job.state == "gone"]
                assert not gone or self.by_hand or self.whole() or condition(), self.told()
                if gone and self.by_hand:
                    self.submit()
                if self.administered:
                    faults.release(self.run)
            time.sleep(0.3)

    def target(self, stage: str) -> Target | None:
        """A task of the stage whose command runs; None once the stage is done."""
        found: list[Target] = []

        def look() -> bool:
            task = faults.running(self.run, stage)
            found.extend([task] if task and faults.commands(self.run, task) else [])
            return bool(found) or self.whole(stage)

        self.until(look)
        return found[0] if found else None


Fault = Callable[[Path, Target], None]
MOMENTS = ("judge-before", "train, early", "train, late")


def moment(it: Faulted, when: str) -> Target:
    """Waits for it; the task to hit. A judge array that is done before all hits came is followed by the training."""
    stage, _, part = when.partition(", ")
    at = it.moments.randint(2, small_experiment.STEPS - 3) if part == "late" else 0
    it.until(lambda: faults.step(it.run, stage) >= at)
    task = it.target(stage)
    if task is None:
        assert stage != "train", f"the training is done before it was hit. {it.told()}"
        return moment(it, "train, early")
    pause = it.moments.uniform(0, {"": 1.5, "early": 8.0, "late": 1.0}[part])
    time.sleep(pause)
    it.hits.append(f"{stage}, {pause:.1f} s after {f'step {at}' if at else 'its start'}")
    return task


def hit(it: Faulted, fault: Fault, when: str) -> None:
    """Once, for sure: where a task ended just before, or was too quick to be bothered, another one is taken."""
    for _ in range(5):
        task = moment(it, when)
        fault(it.run, task)
        it.until(lambda task=task: faults.restarted(task) or faults.shown(task.name)["JobState"] == "COMPLETED", faults.SEEN_S)
        it.hits[-1] += f" ({task.name} on {task.nodes}: {faults.shown(task.name)['Restarts']} restarts)"
        if faults.restarted(task):
            return
        it.hits[-1] += " missed"
    raise AssertionError(f"never hit. {it.told()}")
