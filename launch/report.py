"""What `python -m launch status` and `logs` print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from launch.config import ConfigError
from launch.display import duration, stage_line
from launch.plan import Run
from launch.progress import home
from launch.queue import SILENT, Ended, JobOfTask, array_of, rows, slurm_rows, unfinished
from launch.status import statuses
from launch.sweep import read_runs
from slurm.accounting import SchedulerError, TaskState, lives
from slurm.jobs import tail
from slurm.logs import failed_rank_log

TOLD_LINES = 8  # of a failed task's log
TOLD_LOGS = 5  # of all
NO_ACCOUNTS = "this cluster keeps no accounting: no hours, and how a job ended is told by its log alone"


def status_lines(folder: Path) -> list[str]:
    """A line a stage of a run or a sweep; under one that is not done why, for jobs on Slurm. ConfigError, SchedulerError."""
    runs, table = read_runs(folder)
    runs = [*runs, table] if table else runs
    paths = [run.path for run in runs]
    if not slurm_rows(paths):
        return [stage_line(row) for row in statuses(runs)]
    asked = cache(lambda: _lives(paths))  # once, and after squeue: what ends between the two is not told to run
    jobs = unfinished(paths, accounts=lambda *_: _last(asked()[0]))
    known, notice = asked()
    used = _by_stage(paths, known or [])
    lines = [f"{len(runs) - 1} points"] if table else []
    for row in statuses(runs, jobs):
        doers = {home(run.path, row.name) for run in runs}
        theirs = [job for job in jobs if job.stage == row.name and job.run in doers]
        lines.append(stage_line(row) + hours(used.get(row.name, ())))
        lines += _why(theirs, several=table is not None)
    return [*lines, notice] if notice else lines


def _why(jobs: Sequence[JobOfTask], several: bool) -> list[str]:
    """What a stage's jobs wait for, where they run, how they failed, and the end of the first failed one's log."""
    told = Counter((job.state, job.told) for job in jobs if job.state != "running")
    lines = [f"  {count} {state}: {text}" for (state, text), count in told.items()]
    if running := [job for job in jobs if job.state == "running"]:
        nodes = ", ".join(sorted({job.told for job in running}))
        lines.insert(0, f"  {len(running)} running: on {nodes}, {duration(max(job.seconds for job in running))} at most")
    failed = next((job for job in jobs if job.state == "gone" and job.log.exists()), None)
    if failed:
        which = f"{failed.run.name}, " if several else ""
        lines += [f"    {which}shard {failed.shard}, job {failed.job_id}:"]
        log = failed_rank_log(failed.log)
        lines += [f"    | {line}" for line in tail(log, TOLD_LINES).splitlines()] + [f"    whole log: {log}"]
    return lines


def _lives(paths: Sequence[Path]) -> tuple[list[TaskState] | None, str]:
    """Every life of every job that accounting knows; None where it knows nothing, and what to tell then."""
    theirs = [row for _, row in slurm_rows(paths)]
    try:
        found = lives({array_of(row["job_id"]) for row in theirs}, min(row["submitted"] for row in theirs))
    except SchedulerError as error:
        return None, f"{SILENT}: {error}"
    return found, NO_ACCOUNTS if found is None else ""


def _last(known: Sequence[TaskState] | None) -> Ended | None:
    """By job, the last of its lives."""
    return None if known is None else {life.id: life for life in known}


def _by_stage(paths: Sequence[Path], known: Sequence[TaskState]) -> dict[str, list[TaskState]]:
    """Those of our jobs."""
    stages = {row["job_id"]: row["stage"] for _, row in slurm_rows(paths)}
    found: dict[str, list[TaskState]] = {}
    for life in known:
        if life.id in stages:
            found.setdefault(stages[life.id], []).append(life)
    return found


def hours(used: Sequence[TaskState]) -> str:
    """What jobs held, and the share of it that the processes of those that ended used. Empty where none has started."""
    held_s = sum(life.elapsed_s * life.cpus for life in used)
    gpu_s = sum(life.elapsed_s * life.gpus for life in used)
    told = sum(life.elapsed_s * life.cpus for life in used if life.cpu_s)  # accounting learns it from steps at their end
    busy = f" ({sum(life.cpu_s for life in used) / told:.0%} busy)" if told else ""
    return f"  {held_s / 3600:.2f} CPU h{busy}" * (held_s > 0) + f", {gpu_s / 3600:.2f} GPU h" * (gpu_s > 0)


def log_lines(folder: Path, stage: str | None, shard: int | None) -> list[str]:
    """The end of the logs of what failed or runs; of a stage, a log whole: of the shard, or of its first that has failed or runs.

    ConfigError: no such stage or shard, or no log of it.
    """
    runs, table = read_runs(folder)
    runs = [*runs, table] if table else runs
    if stage is not None:
        log = failed_rank_log(newest_log(runs, stage, shard))
        return [f"== {log}", *log.read_text(errors="replace").splitlines()]
    jobs = [job for job in unfinished((run.path for run in runs), asked=False) if job.state != "waiting" and job.log.exists()]
    if not jobs:
        return ["nothing runs, and nothing has failed; logs RUN STAGE shows the log of a stage"]
    lines = []
    for job in jobs[:TOLD_LOGS]:
        log = failed_rank_log(job.log)
        lines += [f"== {job.run.name}: {job.stage}, shard {job.shard}: {log}", *tail(log).splitlines()]
    return lines + ([f"… and {len(jobs) - TOLD_LOGS} more"] if len(jobs) > TOLD_LOGS else [])


def newest_log(runs: Sequence[Run], stage: str, shard: int | None) -> Path:
    """Of the last job of a shard of a stage. ConfigError names what there is."""
    names = list(dict.fromkeys(each.name for run in runs for each in run.stages))
    if stage not in names:
        raise ConfigError(f"no stage {stage!r}; the stages are {', '.join(names)}")
    paths = dict.fromkeys(home(run.path, stage) for run in runs)
    theirs = [(path, row) for path in paths for row in rows(path) if row["stage"] == stage and "log" in row]
    logs = {(path, row["shard"]): Path(row["log"]) for path, row in theirs}  # the last one
    wanted = [log for (_, number), log in logs.items() if shard in (None, number) and log.exists()]
    if not wanted:
        raise ConfigError(f"stage {stage!r}{'' if shard is None else f', shard {shard}'}: no job of it has written a log yet")
    theirs_open = [job for job in unfinished(paths, asked=False) if job.stage == stage and job.log in wanted]
    return next((job.log for job in sorted(theirs_open, key=lambda job: job.state != "gone")), wanted[0])
