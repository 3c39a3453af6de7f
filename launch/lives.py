"""The lives of a task whose job Slurm starts again and again: one that never gets further must fail, not run for ever.

Each life notes what it found of lasting work. Restarts of one job that find nothing new are counted; from MOST on the task fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from launch.progress import read_json, write_json
from slurm.again import name_of, restarts_of

MOST = 5  # restarts on end that may find nothing new
NOT_LASTING = ("steps", "rollouts", "resume")  # of a training: records and checkpoints are made again from the last checkpoint on


class StuckError(RuntimeError):
    """A task that was started again and again and got no further."""


@dataclass(frozen=True, slots=True)
class Life:
    """One start of a task by its job. Made by `next_life`; the task's next life reads it."""

    job: str  # id of the job or of the task of an array
    restart: int  # how often Slurm had started this job before
    parts: int  # whole Parquet parts and exported models, the most that a life of this job found; the first does not look
    step: int  # of the checkpoint to go on from, the same
    idle: int = 0  # restarts on end that found nothing new


def begin(file: Path, what: str, outputs: Iterable[Path], environment: Mapping[str, str]) -> None:
    """Notes in `file` that a life of the task begins. StuckError where too many before it changed nothing.

    Without Slurm nothing starts a task again by itself, and nothing is noted.
    """
    if "SLURM_JOB_ID" not in environment:
        return
    folders = list(outputs) if restarts_of(environment) else []  # thousands of tasks may start at once on folders of thousands
    found = sum(parts_in(folder) for folder in folders), max((step_in(folder) for folder in folders), default=0)
    before = read_json(file)
    life = next_life(Life(**before) if before else None, name_of(environment), restarts_of(environment), *found)
    write_json(file, asdict(life))
    if life.idle >= MOST:
        raise StuckError(
            f"{what}: job {life.job} was started {life.restart + 1} times, its last {life.idle} restarts found nothing new, only "
            f"{life.parts} whole parts and the checkpoint of step {life.step}: it ends before it can save. The log above and "
            f"`sacct -D -j {life.job}` tell how. Give it more memory or time, or save more often (checkpoint_every_steps); "
            "submitted again, it starts with a new count"
        )


def next_life(before: Life | None, job: str, restart: int, parts: int, step: int) -> Life:
    """The life after `before`, which found so much. Another job, or the same one again without a restart, starts a new count."""
    if before is None or before.job != job or restart <= before.restart:
        return Life(job, restart, parts, step)
    new = parts > before.parts or step > before.step
    return Life(job, restart, max(parts, before.parts), max(step, before.step), 0 if new else before.idle + 1)


def parts_in(output: Path) -> int:
    """Whole parts below an output of a stage, and the model that a training exports last."""
    parts = (path for path in output.rglob("part-*.parquet") if path.relative_to(output).parts[0] not in NOT_LASTING)
    return sum(1 for _ in parts) + (output / "config.json").is_file()


def step_in(output: Path) -> int:
    """The step of the checkpoint that counts; 0 before the first."""
    try:
        return int(json.loads((output / "resume" / "latest.json").read_text())["step"])
    except FileNotFoundError:
        return 0
