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
from launch.submit import command_of, log_folder, only_driver
from slurm.accounting import ask, queued
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
        waiting = on_their_way(run)
        most = max_array_size()
        arrays: dict[str, set[str]] = {stage: {id_.partition("_")[0] for id_ in ids.values()} for stage, ids in waiting.items()}
        told = []
        for stage in stages:
            missing = sorted(set(range(stage.shards)) - done_shards(run, stage.name) - set(waiting.get(stage.name, {})))
            after = tuple(sorted(id_ for name in stage.needs for id_ in arrays.get(name, ())))
            made: list[str] = []
            for shards in chunks(missing, most):
                commands = [command_of(run, stage, shard) for shard in shards]
                jobs = submit_array(
                    "slurm", log_folder(run, stage), stage.name, commands, getattr(cluster, stage.resources), after
                )
                rows = [{"stage": stage.name, "shard": i, "job_id": job.id} for i, job in zip(shards, jobs, strict=True)]
                with (run / "jobs.jsonl").open("a") as file:
                    file.writelines(json.dumps(row | {"submitted": time.time(), "state": "submitted"}) + "\n" for row in rows)
                made.append(jobs[0].id.partition("_")[0])
            arrays.setdefault(stage.name, set()).update(made)
            if made:
                told.append(Submitted(stage.name, tuple(made), len(missing), after))
        return told


def on_their_way(run: Path) -> dict[str, dict[int, str]]:
    """Stage → shard → the id of a job of it that waits or runs."""
    path = run / "jobs.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.endswith("}")] if path.exists() else []
    known = queued({row["job_id"].partition("_")[0] for row in rows}) if rows else {}
    found: dict[str, dict[int, str]] = {}
    for row in rows:
        if row["job_id"] in known:
            found.setdefault(row["stage"], {})[row["shard"]] = row["job_id"]
    return found


def max_array_size() -> int:
    """The most tasks that an array may have here."""
    setting = ask(["scontrol", "show", "config"]).partition("MaxArraySize")[2].partition("\n")[0]
    return int(setting.strip(" =")) - 1


def chunks(shards: list[int], most: int) -> Iterator[list[int]]:
    """Of at most so many."""
    for start in range(0, len(shards), most):
        yield shards[start : start + most]
