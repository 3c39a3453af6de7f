"""Hands plans to Slurm whole: each stage an array that waits for those it needs. Nothing stays behind to drive them.

The run directory says what is done, squeue what is on its way; the rest is submitted. So the same command goes on with a run.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch.arrays import After, Array, Home, Key, arrays_of, last_of_sweep, stranded, up_to_date
from launch.config import ClusterOptions
from launch.plan import Run
from launch.prepare import SWEEP
from launch.progress import done_path, home
from launch.queue import (
    ENDED_ILL,
    JobOfTask,
    array_of,
    homes,
    in_queue,
    note,
    note_cancelled,
    on_slurm,
    parts_of,
    rows,
    unfinished,
)
from launch.stages import LATE_S
from launch.submit import command_of, log_folder, only_driver, signals_held
from launch.sweep import read_runs
from slurm.accounting import TRIES, SchedulerError, ask, setting
from slurm.jobs import Job, script, submit_array

USUAL_ARRAY_SIZE = 1001  # Slurm's default
USUAL_PARALLELISM = 256  # submitit's


@dataclass(frozen=True, slots=True)
class Submitted:
    """What `submit` did with one array."""

    array: Array
    id: str
    after: str  # as sbatch has it


def submit(
    runs: Sequence[Run], cluster: ClusterOptions, table: Run | None = None, wanted: Collection[Key] | None = None
) -> list[Submitted]:
    """Submits what is neither done nor queued; of a sweep, its own table last. SchedulerError.

    wanted: nothing but these shards. ConfigError where another process submits one of the runs.
    """
    points = read_runs(table.path)[0] if table else list(runs)  # of a sweep that grows these may be some of its points
    whole = [*points, table] if table else points
    with ExitStack() as alone:
        for run in whole:
            alone.enter_context(only_driver(run.path))
        on_its_way = in_queue(unfinished((run.path for run in whole), asked=False))
        anew = stranded(runs, {job.key for job in on_its_way})  # with what it waits for
        lost = [job for job in on_its_way if job.key in anew and _replaceable(job, wanted)]
        on_its_way = [job for job in on_its_way if job not in lost]
        _end(lost)
        queued = ids_to_wait_for([run.path for run in whole], on_its_way)
        arrays = _arrays(runs, table, points, queued, max_array_size(), home, wanted)
        if table and any(task.run == table.path for array in arrays for task in array.tasks):
            _take_back(table, on_its_way)
        ids: dict[str, str] = {}
        told = []
        for array in arrays:
            after = dependency(array.after, ids)
            ids[array.name] = _submit(whole[-1].path, array, cluster, after)
            told.append(Submitted(array, ids[array.name], after))
        return told


def _replaceable(job: JobOfTask, wanted: Collection[Key] | None) -> bool:
    """Whether a job whose input is missing may go: it waits; or, at a retry, it runs, and can but have looked for its input."""
    if wanted is None:
        return job.state == "waiting"
    return job.key in wanted and (job.state == "waiting" or job.seconds <= LATE_S)


def scripts(runs: Sequence[Run], cluster: ClusterOptions, table: Run | None = None, shared: Home | None = None) -> Iterator[str]:
    """The sbatch scripts that `submit` would hand over, were nothing queued. Needs no Slurm.

    shared: the run that does a stage, where links do not say so yet.
    """
    try:
        most = max_array_size(tries=1)
    except (SchedulerError, OSError):
        most = USUAL_ARRAY_SIZE - 1
    base = (table or runs[-1]).path
    for array in _arrays(runs, table, runs, {}, most, shared or home, None):
        after = dependency(array.after, {after.array: f"<{after.array}>" for after in array.after})
        folder = log_folder(base, array.stage)
        commands = [_command(array, i, {}).shell() for i in range(len(array.tasks))]
        text = script(folder, array.name, len(array.tasks), _parameters(array, cluster), after)
        yield "\n".join([f"# == {array.name}", *(f"# task {i}: {command}" for i, command in enumerate(commands)), text])


def _arrays(
    runs: Sequence[Run],
    table: Run | None,
    points: Sequence[Run],
    queued: Mapping[Key, str],
    most: int,
    doer: Home,
    wanted: Collection[Key] | None,
) -> list[Array]:
    arrays = arrays_of(runs, queued, most, doer=doer, wanted=wanted)
    if table:
        key = (table.path, table.stages[0].name, 0)
        due = key in wanted if wanted is not None else key not in queued and not up_to_date(table, points)
        if arrays or due:
            arrays.append(last_of_sweep(table, points, arrays, queued))
    return arrays


def _take_back(table: Run, on_its_way: Sequence[JobOfTask]) -> None:
    """The table of a sweep, made or still waiting: it would be that of the points which have ended so far."""
    _end([job for job in on_its_way if job.run == table.path])
    done_path(table.path, table.stages[0].name, 0).unlink(missing_ok=True)


def dependency(after: Sequence[After], ids: Mapping[str, str]) -> str:
    """As sbatch has it: `afterok:12:13,aftercorr:14`. ids: of the arrays that were submitted, by name."""
    found: dict[str, list[str]] = {}
    for each in after:
        found.setdefault(each.how, []).append(ids.get(each.array, each.array))
    return ",".join(":".join([how, *arrays]) for how, arrays in found.items())


def _submit(base: Path, array: Array, cluster: ClusterOptions, after: str) -> str:
    """Its id. base: whose logs it writes."""
    parameters = _parameters(array, cluster)
    env = {"OMP_NUM_THREADS": str(parameters.get("cpus_per_task") or 1)}
    commands = [_command(array, i, env) for i in range(len(array.tasks))]
    with signals_held():
        jobs = submit_array("slurm", log_folder(base, array.stage), array.name, commands, parameters, after)
        array_id = array_of(jobs[0].id)
        try:
            _note(array, jobs)
        except OSError:  # a full disk, say; jobs that are written down nowhere would run beside those that `resume` submits
            ask(["scancel", array_id])
            raise
    return array_id


def _note(array: Array, jobs: Sequence[Job]) -> None:
    """Rows of the jobs, in the runs whose shards they do."""
    found: dict[Path, list[dict[str, Any]]] = {}
    for task, job in zip(array.tasks, jobs, strict=True):
        row = {"stage": task.stage.name, "job_id": job.id, "submitted": time.time(), "state": "submitted"}
        row |= {"cluster": "slurm", "mark": job.mark, "log": str(job.log)}
        found.setdefault(task.run, []).extend(row | {"shard": shard} for shard in task.shards)
    for run, theirs in found.items():
        note(run, theirs)


def _command(array: Array, index: int, env: Mapping[str, str | None]) -> Any:
    task = array.tasks[index]
    return command_of(task.run, task.stage, task.shards, env)


def _parameters(array: Array, cluster: ClusterOptions) -> dict[str, Any]:
    given = dict(getattr(cluster, array.stage.resources))
    if array.cut > 1:  # each gets its share of what may run at once
        given["array_parallelism"] = max(1, (given.get("array_parallelism") or USUAL_PARALLELISM) // array.cut)
    return given


def ids_to_wait_for(runs: Sequence[Path], on_its_way: Sequence[JobOfTask]) -> dict[Key, str]:
    """Of each shard that is on its way its array's id; its own job's where another task of the array has failed.

    `afterok` on such an array would never come true, even where that task's work is done by a later job.
    """
    here = {job.key: job.job_id for job in on_its_way}
    broken: set[str] = set()
    for run in homes(runs):
        theirs = [row for row in rows(run) if on_slurm(row)]
        last = {(row["stage"], row["shard"]): row["job_id"] for row in theirs}
        for row in theirs:
            key = (run, row["stage"], row["shard"])
            well = here.get(key) == row["job_id"] or (last[key[1:]] == row["job_id"] and done_path(*key).exists())
            broken |= set() if well else {array_of(row["job_id"])}
    return {key: job if array_of(job) in broken else array_of(job) for key, job in here.items()}


def cancel(runs: Sequence[Path]) -> int:
    """Cancels what waits or runs, but for what another point of their sweep needs too; how many jobs. SchedulerError."""
    own, sweeps = set(runs), {run.parent for run in runs if (run.parent / SWEEP).exists()}
    shared = parts_of(point.path for sweep in sweeps for point in read_runs(sweep)[0] if point.path not in own)
    jobs = [job for job in in_queue(unfinished(runs, asked=False)) if job.run in own and (job.run, job.stage) not in shared]
    ended = _end(jobs)
    note_cancelled(jobs)
    return ended


def _end(jobs: Sequence[JobOfTask]) -> int:
    ids = {job.job_id for job in jobs}
    if ids:
        ask(["scancel", *sorted(ids)])
    return len(ids)


def failed(runs: Sequence[Run]) -> set[Key]:
    """The shards that failed, and all that is not done of the stages that wait for them. SchedulerError."""
    ended = [job for job in unfinished(run.path for run in runs) if job.state == "gone"]
    gone = {job.key for job in ended if job.told != ENDED_ILL["CANCELLED"]}
    found = set(gone)
    for run in runs:
        own = {stage.name: home(run.path, stage.name) for stage in run.stages}
        lost = {name for path, name, _ in gone if own.get(name) == path}
        for stage in run.stages:
            if lost & set(stage.needs):
                lost.add(stage.name)
                found |= {(own[stage.name], stage.name, shard) for shard in range(stage.shards)}
    return found


def max_array_size(tries: int = TRIES) -> int:
    """The most tasks that an array may have here. SchedulerError."""
    fewer = re.search(r"\bmax_array_tasks=(\d+)", setting("SchedulerParameters", tries))
    return min([int(setting("MaxArraySize", tries)) - 1, *map(int, fewer.groups() if fewer else ())])
