"""Hands a plan to Slurm whole: each stage an array that waits for those it needs. Nothing stays behind to drive it.

The run directory says what is done, squeue what is on its way; the rest is submitted. So the same command goes on with a run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from launch.config import ClusterOptions
from launch.plan import Stage
from launch.progress import done_shards
from launch.queue import array_of, in_queue, unfinished
from launch.submit import command_of, log_folder, only_driver
from slurm.accounting import ask, setting
from slurm.jobs import submit_array


@dataclass(frozen=True, slots=True)
class Submitted:
    """What `submit` did for one stage."""

    stage: str
    arrays: tuple[str, ...]  # ids
    tasks: int
    after: tuple[str, ...]  # ids of the arrays that it waits for


def submit(run: Path, stages: tuple[Stage, ...], cluster: ClusterOptions) -> list[Submitted]:
    """Submits what is neither done nor queued. SchedulerError; ConfigError where another process submits this run."""
    with only_driver(run):
        on_its_way = in_queue(unfinished(run, asked=False))
        arrays = {stage.name: {array_of(job.job_id) for job in on_its_way if job.stage == stage.name} for stage in stages}
        most = max_array_size()
        told = []
        for stage in stages:
            busy = {job.shard for job in on_its_way if job.stage == stage.name}
            missing = sorted(set(range(stage.shards)) - done_shards(run, stage.name) - busy)
            after = tuple(sorted(array for name in stage.needs for array in arrays[name]))
            made = [_submit(run, stage, shards, cluster, after) for shards in chunks(missing, most)]
            arrays[stage.name].update(made)
            if made:
                told.append(Submitted(stage.name, tuple(made), len(missing), after))
        return told


def _submit(run: Path, stage: Stage, shards: list[int], cluster: ClusterOptions, after: tuple[str, ...]) -> str:
    """One array; its id."""
    parameters = getattr(cluster, stage.resources)
    env = {"OMP_NUM_THREADS": str(parameters.get("cpus_per_task", 1))}
    commands = [command_of(run, stage, shard, env) for shard in shards]
    jobs = submit_array("slurm", log_folder(run, stage), stage.name, commands, parameters, after)
    with (run / "jobs.jsonl").open("a") as file:
        for shard, job in zip(shards, jobs, strict=True):
            row = {"stage": stage.name, "shard": shard, "job_id": job.id, "submitted": time.time(), "state": "submitted"}
            file.write(json.dumps(row | {"cluster": "slurm", "log": str(job.log)}) + "\n")
    return array_of(jobs[0].id)


def cancel(run: Path) -> int:
    """Cancels what waits or runs; how many tasks. SchedulerError."""
    jobs = in_queue(unfinished(run, asked=False))
    if jobs:
        ask(["scancel", *(job.job_id for job in jobs)])
    return len(jobs)


def max_array_size() -> int:
    """The most tasks that an array may have here."""
    return int(setting("MaxArraySize")) - 1


def chunks(shards: list[int], most: int) -> Iterator[list[int]]:
    """Of at most so many."""
    for start in range(0, len(shards), most):
        yield shards[start : start + most]
