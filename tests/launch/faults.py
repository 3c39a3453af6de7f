"""What goes wrong on a cluster, done to it on purpose, and how to see that it came to pass."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launch.progress import done_path, progress_path, read_json
from launch.queue import on_slurm, rows, unfinished

SEEN_S = 120.0  # until a fault shows


@dataclass(frozen=True, slots=True)
class Target:
    """A task that runs."""

    name: str  # for scontrol
    restarts: int
    node: str  # the first one
    nodes: str


def slurm(*argv: str, must: bool = True) -> str:
    """What a command of Slurm prints, tried again while a controller starts. Where it need not be, the job may be gone."""
    for _ in range(40 if must else 3):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        time.sleep(0.5)
    assert not must, f"{argv}: {done.stderr}"
    return ""


def shown(name: str) -> dict[str, str]:
    """What `scontrol show job` tells, by name."""
    return dict(re.findall(r"(\w+)=(\S*)", slurm("scontrol", "show", "job", "-o", name)))


def running(run: Path, stage: str) -> Target | None:
    """A task of the stage that runs and is not done; the last one submitted."""
    for row in reversed(rows(run)):
        if row["stage"] == stage and on_slurm(row) and not done_path(run, stage, row["shard"]).exists():
            told = shown(row["job_id"])
            if told["JobState"] == "RUNNING":
                nodes = slurm("scontrol", "show", "hostnames", told["NodeList"]).split()
                return Target(row["job_id"], int(told["Restarts"]), nodes[0], ",".join(nodes))
    return None


def step(run: Path, stage: str, shard: int = 0) -> int:
    """How far a task of the stage is."""
    row = read_json(progress_path(run, stage, shard))
    return int(row["done"]) if row else 0


def restarted(target: Target) -> bool:
    """Whether Slurm has sent the task back to its queue since."""
    return int(shown(target.name)["Restarts"]) > target.restarts


def requeue(run: Path, target: Target) -> None:
    """By an administrator, say."""
    slurm("scontrol", "requeue", target.name)


def told_to_end(run: Path, target: Target) -> None:
    """By Slurm's signal, as with preemption and before a time limit."""
    slurm("scancel", "--signal=USR2", target.name, must=False)


def preempt(run: Path, target: Target) -> None:
    """A job of a partition that goes before wants all CPUs of a node of the task's."""
    partition = "gpu" if target.node in ("n1", "n2") else "cpu"
    slurm("sbatch", "-p", partition, "-w", target.node, "-c4", "--mem=100M", "-o", "/dev/null", "--wrap", "sleep 1")


def processes(*marks: str) -> list[int]:
    """Those whose command line holds all the marks."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if all(mark in line for mark in marks):
            found.append(int(process.name))
    return found


def commands(run: Path, target: Target) -> list[int]:
    """What the task runs now, on all its nodes."""
    return [pid for pid in processes("-m launch stage", str(run)) if job_of(pid) == target.name]


def send(pids: list[int], number: signal.Signals) -> None:
    """To those that are still there."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def crash(number: signal.Signals) -> Callable[[Path, Target], None]:
    """The command of one task or rank ends by this signal, as from the kernel's hand."""

    def of_one(run: Path, target: Target) -> None:
        send(commands(run, target)[-1:], number)

    return of_one


def time_limit(run: Path, target: Target) -> None:
    """Near enough that Slurm sends its signal, for which it looks every 30 s; meanwhile the work stands still, as in a long step.

    The next life is given its time back.
    """
    stopped = commands(run, target)
    send(stopped, signal.SIGSTOP)
    minutes, seconds = map(int, shown(target.name)["RunTime"].split(":")[1:])
    slurm("scontrol", "update", f"jobid={target.name}", f"timelimit={minutes + 1 + (seconds > 15)}", must=False)
    until = time.monotonic() + SEEN_S
    while not all(pending(pid, signal.SIGUSR2) for pid in stopped) and time.monotonic() < until:
        time.sleep(0.1)
    send(stopped, signal.SIGCONT)
    while not restarted(target) and time.monotonic() < until:
        time.sleep(0.1)
    while shown(target.name)["TimeLimit"] != "00:30:00" and shown(target.name)["JobState"] != "COMPLETED":
        slurm("scontrol", "update", f"jobid={target.name}", "timelimit=30", must=False)


def pending(pid: int, number: signal.Signals) -> bool:
    """Whether the signal waits for a process that stands still."""
    try:
        found = re.search(r"^ShdPnd:\s*(\w+)", (Path("/proc") / str(pid) / "status").read_text(), re.MULTILINE)
    except OSError:
        return True  # it is gone, by another signal
    return found is not None and bool(int(found[1], 16) >> (number - 1) & 1)


def job_of(pid: int) -> str:
    """The job that a process belongs to."""
    try:
        words = (Path("/proc") / str(pid) / "environ").read_text(errors="replace").split("\0")
    except OSError:
        return ""
    given = dict(word.partition("=")[::2] for word in words)
    array = given.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{given['SLURM_ARRAY_TASK_ID']}" if array else given.get("SLURM_JOB_ID", "")


def daemons(folder: Path, *marks: str) -> list[int]:
    """Of the cluster in the folder, whose command line starts with these words."""
    conf, found = f"SLURM_CONF={folder / 'slurm.conf'}".encode(), []
    for pid in processes(*marks):
        line = (Path("/proc") / str(pid) / "cmdline").read_text().replace("\0", " ")
        if line.startswith(" ".join(marks)) and conf in (Path("/proc") / str(pid) / "environ").read_bytes():
            found.append(pid)
    return found


def kill_node(folder: Path, which: int, told: bool) -> Callable[[Path, Target], None]:
    """kill -9 of the slurmd of one of the task's nodes: it is the first process of the node, all others go with it.

    told: whether Slurm is told, as a site's monitoring would; else it, or srun, has to notice.
    """

    def of_one(run: Path, target: Target) -> None:
        node = target.nodes.split(",")[which]
        send(daemons(folder, "slurmd", "-D", "-N", node), signal.SIGKILL)
        if told:
            slurm("scontrol", "update", f"nodename={node}", "state=down", "reason=died")

    return of_one


def kill_controller(folder: Path) -> None:
    """kill -9; comes back when another one answers."""
    before = daemons(folder, "slurmctld", "-D")
    send(before, signal.SIGKILL)
    until = time.monotonic() + SEEN_S
    while not set(daemons(folder, "slurmctld", "-D")) - set(before):
        assert before, "there was none to kill"
        assert time.monotonic() < until, "no other one was started"
        time.sleep(0.02)
    slurm("scontrol", "ping")


def release(run: Path) -> None:
    """As an administrator: a controller that forgot a start makes another one, and where the first still runs, takes the node away."""
    for job in unfinished([run], asked=False):
        if job.state == "waiting" and shown(job.job_id).get("Reason", "").endswith("_held"):
            for node in ("n1", "n2", "n3", "n4"):
                slurm("scontrol", "update", f"nodename={node}", "state=resume", must=False)
            slurm("scontrol", "release", job.job_id, must=False)


def saved_queue(folder: Path, since: float) -> dict[Path, bytes]:
    """Slurm's queue as it lies on disk, once it was saved after that time."""
    file, until = folder / "state" / "job_state", time.monotonic() + SEEN_S
    while file.stat().st_mtime <= since:
        assert time.monotonic() < until, f"{file} was not saved"
        time.sleep(0.1)
    return {path: path.read_bytes() for path in (file, file.with_name("job_state.old"))}


def forget(folder: Path, queue: dict[Path, bytes], nodes: str) -> None:
    """The power fails, for the controller before it saves what happened since the queue was, and for these nodes."""
    controller = daemons(folder, "slurmctld", "-D")
    send(controller, signal.SIGSTOP)
    for path, content in queue.items():
        path.write_bytes(content)
    send([pid for node in nodes.split(",") for pid in daemons(folder, "slurmd", "-D", "-N", node)], signal.SIGKILL)
    kill_controller(folder)


CALLS = ("sbatch", "squeue", "sacct", "scontrol")
FLAKY = """#!/bin/sh
# Every tenth call fails; an sbatch after Slurm has the job.
count=$(($(cat {counter} 2>/dev/null || echo {first}) + 1))
echo $count > {counter}
test $((count % 10)) = 0 || exec {real} "$@"
echo "{name} $*" >> {log}
test {name} != sbatch || {real} "$@" >/dev/null
echo "{name}: error: no answer" >&2
exit 1
"""


def flaky(folder: Path, moments: random.Random) -> Callable[[], list[str]]:
    """Commands of Slurm of which every tenth call fails; gives which did."""
    log = folder / "failed"
    for name in CALLS:
        script = folder / name
        first = moments.randint(5, 9)  # one of the five calls of sbatch is among those that fail
        real = shutil.which(name)
        script.write_text(FLAKY.format(counter=folder / f"{name}.count", first=first, real=real, name=name, log=log))
        script.chmod(0o755)
    return lambda: [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def submitted(run: Path) -> set[str]:
    """The arrays or jobs of a run that Slurm has or had, but for those that were cancelled before they did anything."""
    lines = [line for line in slurm("scontrol", "show", "jobs", "-o").splitlines() if str(run) in line]
    told = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in lines]
    return {job.get("ArrayJobId", job["JobId"]) for job in told if job["JobState"] != "CANCELLED"}
