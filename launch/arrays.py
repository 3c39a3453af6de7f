"""Which arrays a plan becomes, or the plans of a sweep together: one a stage, and what each waits for. Nothing here knows Slurm.

Of one run, a task of an array is a shard, and waits for all of the stages before. Of a sweep, a task is a point: it does all
shards of its run's stage, and waits for its own point alone (`aftercorr`). A stage that several points share stands once; where
there is no task for each, points wait for all to end (`afterany`), and look whether theirs ended well: another's may have failed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from launch.plan import Run, Stage
from launch.progress import done_path, done_shards, home

Home = Callable[[Path, str], Path]  # (run, stage) → the run that does it: another one where points of a sweep share it
Key = tuple[Path, str, int]  # (run, stage, shard)


@dataclass(frozen=True, slots=True)
class ArrayTask:
    """Shards of a stage of a run, done by one task of an array."""

    run: Path
    stage: Stage
    shards: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class After:
    """What an array waits for: `array` is the name of another, or the id of one that is queued."""

    how: Literal["afterok", "aftercorr", "afterany"]
    array: str


@dataclass(frozen=True, slots=True)
class Array:
    """One call of sbatch. Made by `arrays_of`; read by `launch.submit_slurm`."""

    name: str  # the stage's; of a stage cut into several arrays STAGE.2, STAGE.3, …
    tasks: tuple[ArrayTask, ...]
    points: bool  # a task is a point of a sweep
    after: tuple[After, ...]
    cut: int = 1  # arrays of this stage, which may all run at once

    @property
    def stage(self) -> Stage:
        return self.tasks[0].stage


def arrays_of(
    runs: Sequence[Run],
    queued: Mapping[Key, str],
    most: int,
    done: Callable[[Path, str], Collection[int]] = done_shards,
    doer: Home = home,
    wanted: Collection[Key] | None = None,
) -> list[Array]:
    """The arrays that do what is missing of the runs, each after those that it waits for.

    queued: the array's id of each shard that is on its way. most: tasks of an array. wanted: nothing but these shards.
    """
    made: dict[str, list[Array]] = {}
    for name in stage_names(runs):
        users = {doer(run.path, name): stage for run in runs for stage in run.stages if stage.name == name}
        points = len(users) > 1
        tasks = []
        for path, stage in users.items():
            shards = _missing(path, stage, done(path, name), queued, wanted)
            parts = [shards] if points and shards else [(shard,) for shard in shards]
            tasks += [ArrayTask(path, stage, part) for part in parts]
        made[name] = []
        cut = list(chunks(tasks, most))
        for i, chunk in enumerate(cut):
            after = tuple(each for need in _needs(chunk) for each in _waits(chunk, need, points, made[need], queued, doer))
            made[name].append(Array(f"{name}.{i + 1}" if i else name, chunk, points, after, len(cut)))
    return [array for arrays in made.values() for array in arrays]


def _missing(
    run: Path, stage: Stage, done: Collection[int], queued: Mapping[Key, str], wanted: Collection[Key] | None
) -> tuple[int, ...]:
    keys = [(run, stage.name, i) for i in range(stage.shards) if i not in done]
    return tuple(key[2] for key in keys if key not in queued and (wanted is None or key in wanted))


def stranded(
    runs: Sequence[Run], queued: Collection[Key], done: Callable[[Path, str], Collection[int]] = done_shards, doer: Home = home
) -> set[Key]:
    """What is queued and waits for work that is neither done nor queued: it would never start, or start without that."""
    found: set[Key] = set()
    for run in runs:
        short: set[str] = set()  # stages that queued jobs will not see to their end
        for stage in run.stages:
            path = doer(run.path, stage.name)
            keys = {(path, stage.name, i) for i in set(range(stage.shards)).difference(done(path, stage.name))}
            if keys and short.intersection(stage.needs):
                found |= keys.intersection(queued)
                short.add(stage.name)
            elif not keys <= set(queued):
                short.add(stage.name)
    return found


def last_of_sweep(last: Run, runs: Sequence[Run], arrays: Sequence[Array], queued: Mapping[Key, str]) -> Array:
    """The sweep's own table: once every point's is made, or can't be."""
    (stage,) = last.stages
    final = {run.stages[-1].name for run in runs}
    names = [array.name for array in arrays if array.stage.name in final]
    ids = sorted({queued[key] for key in queued if key[1] in final})
    return Array(
        stage.name, (ArrayTask(last.path, stage, (0,)),), False, tuple(After("afterany", each) for each in (*ids, *names))
    )


def up_to_date(last: Run, runs: Sequence[Run]) -> bool:
    """Whether the sweep's own table is made, and no point has ended since: one that failed may be finished later."""
    (stage,) = last.stages
    made = done_path(last.path, stage.name, 0)
    final = [(run.path, run.stages[-1].name) for run in runs]
    ended = [done_path(path, name, i) for path, name in final for i in done_shards(path, name)]
    return made.exists() and all(path.stat().st_mtime <= made.stat().st_mtime for path in ended)


def stage_names(runs: Sequence[Run]) -> list[str]:
    """Of all runs, each after those that it needs in any of them; else in the order of their plans."""
    needs: dict[str, set[str]] = {}
    for run in runs:
        for stage in run.stages:
            needs.setdefault(stage.name, set()).update(stage.needs)
    names: list[str] = []
    while rest := [name for name in needs if name not in names]:
        names.append(next(name for name in rest if needs[name] <= set(names)))  # plans never need each other in a circle
    return names


def chunks(tasks: Sequence[ArrayTask], most: int) -> Iterator[tuple[ArrayTask, ...]]:
    """As few as may be, of at most so many, and of about the same number: they share what may run at once."""
    size = -(-len(tasks) // -(-len(tasks) // most)) if tasks else 1
    for start in range(0, len(tasks), size):
        yield tuple(tasks[start : start + size])


def _needs(chunk: Sequence[ArrayTask]) -> list[str]:
    return list(dict.fromkeys(need for task in chunk for need in task.stage.needs))


def _waits(
    chunk: Sequence[ArrayTask], need: str, points: bool, made: Sequence[Array], queued: Mapping[Key, str], doer: Home
) -> list[After]:
    """Task i for task i where they are of one point each; else all for all: well ended only where no other's end counts."""
    needed = [doer(task.run, need) for task in chunk if need in task.stage.needs]
    ids = sorted({array for (run, name, _), array in queued.items() if name == need and run in needed})
    ahead = [array for array in made if any(task.run in needed for task in array.tasks)]
    alike = points and len(needed) == len(chunk) > 1 and len(ahead) == 1 and not ids
    if alike and ahead[0].points and [task.run for task in ahead[0].tasks] == needed:
        return [After("aftercorr", ahead[0].name)]
    there = {run for (run, name, _), array in queued.items() if name == need and array in ids}
    there |= {task.run for array in ahead for task in array.tasks}
    how: Literal["afterok", "afterany"] = "afterok" if len(needed) == len(chunk) and len(there | {*needed}) == 1 else "afterany"
    return [After(how, each) for each in (*ids, *(array.name for array in ahead))]
