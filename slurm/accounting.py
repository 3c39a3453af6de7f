"""What Slurm says of jobs: squeue for those that wait or run, sacct for those that ended. Either may fail, lag or be absent.

The run directory knows better than both whether a task is done; this tells why one is not.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

TRIES = 6
PAUSE_S = 0.25  # before the second try; then twice as long each time
CALL_S = 60.0
# A job is here again after its end: it was preempted, its node died, or somebody requeued it.
WAITING = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")
# squeue names them for some minutes more. Whatever else it says of a job, the job is there: rare and future states too.
OVER = (
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "REVOKED",
    "TIMEOUT",
)
# Users' defaults: of a partition, in a format of their own, of another cluster.
NARROWS = ("SQUEUE_", "SACCT_", "SCANCEL_", "SLURM_CLUSTERS")
WORDS = {  # squeue's reasons that users meet → what they mean
    "None": "about to start",
    "Resources": "waits for free nodes",
    "Priority": "others are before it in the queue",
    "Dependency": "waits for another stage",
    "DependencyNeverSatisfied": "will never start: a stage before it failed",
    "JobArrayTaskLimit": "as many tasks of this array run as array_parallelism allows",
    "BeginTime": "requeued, starts again in a moment",
    "JobHeldUser": "held by you: scontrol release",
    "JobHeldAdmin": "held by an administrator, perhaps after too many requeues",
    "launch failed requeued held": "held: it could not be started; scontrol release tries again",
    "PartitionTimeLimit": "asks for more time than its partition gives",
    "PartitionNodeLimit": "asks for more nodes than its partition has",
    "ReqNodeNotAvail": "its nodes are down, drained or reserved",
    "AssocMaxJobsLimit": "your account has as many jobs as it may",
    "QOSMaxJobsPerUserLimit": "you have as many jobs as your QOS allows",
}


class SchedulerError(RuntimeError):
    """A command of Slurm that failed each time it was tried, with what it said."""


@dataclass(frozen=True, slots=True)
class TaskState:
    """A job or a task of an array, as Slurm sees it. Made here; read by `launch status`."""

    id: str  # 12, or 12_3 of an array
    state: str  # Slurm's word: PENDING, RUNNING, COMPLETED, FAILED, …
    reason: str = ""  # why it waits, in words
    node: str = ""
    elapsed_s: float = 0.0
    cpu_s: float = 0.0  # used, of all its steps
    cpus: int = 0  # allocated
    gpus: int = 0
    exit_status: str = ""  # Slurm's STATUS:SIGNAL
    origin: str = ""  # COMMENT|SCRIPT: as it was submitted, but that some sites write comments of their own

    @property
    def waits(self) -> bool:
        return self.state in WAITING


def ask(argv: Sequence[str], tries: int = TRIES) -> str:
    """What a command of Slurm prints. Controllers are restarted and overloaded: a failure is tried again. SchedulerError."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NARROWS)}
    environment, said = kept | {"SLURM_BITSTR_LEN": "0"}, ""  # the tasks of an array are named, however many
    for i in range(tries):
        if i:
            time.sleep(PAUSE_S * 2 ** (i - 1))
        try:
            done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=CALL_S, check=False)
        except subprocess.TimeoutExpired:
            said = f"no answer within {CALL_S:.0f} s"
            continue
        except OSError as error:
            raise SchedulerError(f"{argv[0]} does not run here: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout
        said = done.stderr.strip() or f"exit status {done.returncode}"
    raise SchedulerError(f"{argv[0]} failed {tries} times: {said}")


def queued(ids: Collection[str]) -> dict[str, TaskState]:
    """Those of the jobs (array ids) that wait or run, a row a task. SchedulerError."""
    rows = ask(["squeue", "--me", "-arh", "-t", "all", "-o", "%i|%T|%r|%N|%M|%k|%o"]).splitlines()  # -a: hidden partitions too
    found = (row.split("|", 5) for row in rows if row.split("|")[0].partition("_")[0] in ids)
    states = (
        TaskState(i, state, in_words(why) if state in WAITING else "", node, seconds(took), origin=origin)
        for i, state, why, node, took, origin in found
    )
    return {each.id: each for each in states if each.state not in OVER}


def keeps_accounts() -> bool:
    """Whether there is anything for sacct to tell. SchedulerError."""
    return "slurmdbd" in setting("AccountingStorageType")


def accounted(ids: Collection[str], since: float) -> dict[str, TaskState] | None:
    """The last of the lives of each job; None where there is no accounting. SchedulerError."""
    found = lives(ids, since)
    return None if found is None else {life.id: life for life in found}


def lives(ids: Collection[str], since: float) -> list[TaskState] | None:
    """What sacct knows of the jobs that were submitted at `since` (seconds since 1970) or later, for ids come again.

    A job that was requeued has several, in order. None where there is no accounting. SchedulerError.
    """
    if not ids:
        return []
    if not keeps_accounts():
        return None
    columns = "JobID,State,NodeList,ElapsedRaw,TotalCPU,AllocCPUS,AllocTRES,ExitCode"
    start = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(since - 60))
    rows = ask(["sacct", "-nPD", "-j", ",".join(sorted(ids)), "-S", start, "-o", columns]).splitlines()
    found = []
    for row in rows:
        if "." in row.partition("|")[0]:
            continue  # a step; asked for jobs alone, sacct would say that they used no CPU
        name, state, node, elapsed, cpu, cpus, tres, status = row.split("|")
        gpus = re.search(r"gres/gpu=(\d+)", tres)
        for each in tasks_of(name):
            life = TaskState(
                each,
                state.split()[0],  # "CANCELLED by 0"
                node="" if node.startswith("None") else node,
                elapsed_s=float(elapsed or 0),
                cpu_s=seconds(cpu),
                cpus=int(cpus or 0),
                gpus=int(gpus[1]) if gpus else 0,
                exit_status=status,
            )
            found.append(life)
    return found


def setting(name: str, tries: int = TRIES) -> str:
    """A setting of the cluster, as slurm.conf has it; empty where there is none of that name. SchedulerError."""
    found = re.search(rf"^{name}\s*= *(.*?)\s*$", ask(["scontrol", "show", "config"], tries), re.MULTILINE)
    return found[1] if found else ""


def tasks_of(name: str) -> list[str]:
    """The tasks in a name of sacct's: tasks of an array that never started have one row, as in 12_[0-2,5,8-9%4]."""
    array, bracket, rest = name.partition("_[")
    if not bracket:
        return [name]
    ranges = (part.partition("-") for part in rest.rstrip("]").partition("%")[0].split(","))
    return [f"{array}_{i}" for first, _, last in ranges for i in range(int(first), int(last or first) + 1)]


def in_words(reason: str) -> str:
    """A reason to wait, and its own name where it is not a common one."""
    return WORDS.get(reason.strip("()"), reason.strip("()"))


def seconds(text: str) -> float:
    """Of [days-][hours:]minutes:seconds, as Slurm writes a time; 0 where it writes none."""
    days, _, rest = text.rpartition("-")
    parts = [float(part) for part in rest.split(":") if re.fullmatch(r"[\d.]+", part)]
    return 86400.0 * int(days or 0) + sum(part * 60.0**i for i, part in enumerate(reversed(parts)))
