"""Walks a plan: submits the missing tasks of ready stages, watches them, tells failures. It can be killed at any moment."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, MappingProxyType

from launch.config import ClusterOptions, ConfigError
from launch.display import Display
from launch.plan import Run, Stage
from launch.progress import done_path, done_shards
from launch.queue import note
from slurm.command import Command
from slurm.jobs import Job, submit_array

POLL_S = 0.2
CANCEL_S = 15.0  # longer than a command's own time to end (slurm.command)


@dataclass(slots=True)
class Running:
    """A submitted task that has not been seen to end."""

    stage: Stage
    shard: int
    job: Job


@dataclass(slots=True)
class Drive:
    """What the driver knows; all that matters of it can be found again in the run directory."""

    run: Path
    stages: tuple[Stage, ...]
    cluster: ClusterOptions
    running: list[Running] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)  # stage → what to tell of its first failed task
    stop: bool = False  # set by a signal, heeded between two looks
    states: dict[tuple[str, int], str] = field(default_factory=dict)
    whole: dict[str, set[int]] = field(default_factory=dict)  # stage → its done shards
    folders: dict[str, Path] = field(default_factory=dict)  # stage → logs of this start


def drive(run: Run, cluster: ClusterOptions) -> int:
    """Does what is missing of the run. Returns the exit status: 0, or 1 where a task failed, or 130 where it was stopped.

    Raises ConfigError where another driver works on the run directory.
    """
    it = Drive(run.path, run.stages, cluster)
    told: set[str] = set()
    with only_driver(run.path), _stopped_by_signals(it), Display(run.path, run.stages) as display:
        while not it.stop:
            _collect(it)
            for stage in it.failed.keys() - told:
                display.tell(it.failed[stage])
                told.add(stage)
            _submit_ready(it)
            display.show(it.states, last=not it.running)
            if not it.running:
                break
            time.sleep(POLL_S)
        else:
            display.tell("launch: stopping the tasks")
            _cancel(it)
            display.show(it.states, last=True)
            return 130
    if it.failed:
        print(f"launch: failed: {', '.join(it.failed)} (see above)", file=sys.stderr)
    return 1 if it.failed else 0


def _collect(it: Drive) -> None:
    """Looks for tasks that ended: the run directory decides, the scheduler only says when to look."""
    for stage in it.stages:
        if len(it.whole.get(stage.name, ())) < stage.shards:
            it.whole[stage.name] = done_shards(it.run, stage.name)
    still: list[Running] = []
    for task in it.running:
        key = (task.stage.name, task.shard)
        if not task.job.ended():
            still.append(task)
        elif done_path(it.run, *key).exists():
            it.whole[task.stage.name].add(task.shard)
            _record(it, task, "done")
        else:
            _record(it, task, "failed")
            it.failed.setdefault(task.stage.name, _failure(it, task))
    it.running = still


def _submit_ready(it: Drive) -> None:
    """One stage that wants the GPU at a time, and no more tasks than slots."""
    slots = it.cluster.cpu_slots or len(os.sched_getaffinity(0))
    for stage in it.stages:
        whole = it.whole[stage.name]
        if stage.name in it.failed or any(len(it.whole[n]) < s.shards for n in stage.needs for s in it.stages if s.name == n):
            continue
        busy = {task.shard for task in it.running if task.stage.name == stage.name}
        missing = [shard for shard in range(stage.shards) if shard not in whole and shard not in busy]
        if stage.resources != "cpu" and any(t.stage.resources != "cpu" and t.stage is not stage for t in it.running):
            continue
        free = slots - sum(_slots(task.stage, slots) for task in it.running)
        if missing := missing[: max(0, free // _slots(stage, slots))]:
            _submit(it, stage, missing, slots)


def _slots(stage: Stage, slots: int) -> int:
    """Slots that a local task takes. One that wants the GPU takes one: judging goes on beside it."""
    return 1 if stage.resources != "cpu" else min(stage.cpus or slots, slots)


def _submit(it: Drive, stage: Stage, shards: list[int], slots: int) -> None:
    if stage.name not in it.folders:
        it.folders[stage.name] = log_folder(it.run, stage)
    gpu = stage.resources != "cpu"
    env: dict[str, str | None] = {
        "OMP_NUM_THREADS": str(slots) if gpu else "1",
        # submitit's local executor hides every GPU: stages that want one see again what the driver sees
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES") if gpu else "",
    }
    jobs = submit_array("local", it.folders[stage.name], stage.name, [command_of(it.run, stage, [i], env) for i in shards])
    for shard, job in zip(shards, jobs, strict=True):
        it.running.append(Running(stage, shard, job))
        _record(it, it.running[-1], "submitted")


def log_folder(run: Path, stage: Stage) -> Path:
    """A new one for each start: process ids come again, and with them the names of logs."""
    folder = run / "logs" / stage.name
    earlier = [int(path.name) for path in folder.glob("*") if path.name.isdigit()]
    return folder / str(max(earlier, default=0) + 1)


def command_of(run: Path, stage: Stage, shards: Iterable[int], env: Mapping[str, str | None] = MappingProxyType({})) -> Command:
    """What the job of a task runs: the run's own code."""
    code = run / "code"
    path = os.pathsep.join(filter(None, [str(code), os.environ.get("PYTHONPATH", "")]))
    argv = [sys.executable, "-m", "launch", "stage", str(run), stage.name, "--shard", *map(str, shards)]
    # Threads that spin at a barrier make sampling about ten times slower once others, such as judging, share their cores.
    waiting = os.environ.get("OMP_WAIT_POLICY", "passive")
    return Command(argv, str(code), {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1", "OMP_WAIT_POLICY": waiting} | dict(env))


def _record(it: Drive, task: Running, state: str) -> None:
    """A line in jobs.jsonl."""
    it.states[task.stage.name, task.shard] = state
    row = {"stage": task.stage.name, "shard": task.shard, "job_id": task.job.id, "submitted": time.time(), "state": state}
    note(it.run, [row | {"log": str(task.job.log)}])


def _failure(it: Drive, task: Running) -> str:
    stopped, lost = [], {task.stage.name}
    for stage in it.stages:
        if lost & set(stage.needs):
            lost.add(stage.name)
            stopped.append(stage.name)
    log = "\n".join(f"  | {line}" for line in task.job.error().splitlines())
    return (
        f"launch: stage {task.stage.name}, shard {task.shard} failed (job {task.job.id}); the end of its log:\n{log}\n"
        f"  whole log: {task.job.log}\n"
        f"  not started because of it: {', '.join(stopped) or 'nothing'}\n"
        f"  started again with the same run_dir, the run does what is missing"
    )


def _cancel(it: Drive) -> None:
    """Ends the tasks, asking again until they are gone."""
    deadline = time.monotonic() + CANCEL_S
    while it.running and time.monotonic() < deadline:
        for task in it.running:
            task.job.cancel()
        time.sleep(0.5)
        for task in [task for task in it.running if task.job.ended()]:
            it.running.remove(task)
            _record(it, task, "done" if done_path(it.run, task.stage.name, task.shard).exists() else "cancelled")
    for task in it.running:
        print(f"launch: stage {task.stage.name}, shard {task.shard} (job {task.job.id}) has not ended yet", file=sys.stderr)


@contextmanager
def only_driver(run: Path) -> Iterator[None]:
    """Two drivers of one run would each submit everything."""
    with (run / "lock").open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise ConfigError(f"run_dir={run}: process {file.read().strip()} drives it already; see `launch status`") from None
        file.seek(0)
        file.truncate()
        file.write(f"{os.getpid()} on {os.uname().nodename}")
        file.flush()
        yield


@contextmanager
def _stopped_by_signals(it: Drive) -> Iterator[None]:
    """Ctrl-C and SIGTERM set a flag: stopped in the middle of a submission, its tasks would be lost to the driver."""

    def stop(number: int, frame: FrameType | None) -> None:
        it.stop = True

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def signals_held() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a terminal that hangs up are heeded when the block is left: what it hands over, it also writes down."""
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        held.append(number)

    before = {number: signal.signal(number, hold) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in held:
            signal.raise_signal(late)
