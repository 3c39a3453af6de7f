"""Whether a job that ended ill is to run again: the last thing that its batch script does, outside of what may be killed.

Ranks tell in files beside the job's logs how their commands ended. One whose collective call breaks off cannot know why: another
had an error of its own, which ends the job, or was killed or lost with its node, after which the job is to run again.

This file is copied to the job's logs and runs there with nothing else: a job that waits must not meet another version of it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

TOLD_TO_END = -signal.SIGUSR2
AGAIN = frozenset(  # how a command ends that another try may see to its end: a lack of memory, hardware, an order to end
    (TOLD_TO_END, -signal.SIGUSR1, -signal.SIGTERM, -signal.SIGKILL, -signal.SIGSEGV, -signal.SIGBUS, -signal.SIGABRT)
)
MOST_RESTARTS = 100  # of a job that is killed or crashes: it may do so before it can notice that it makes no progress
STARTED = "STEPBATCH_STARTED"  # when the batch script began, told by itself to what it runs
PATIENCE_S = 600.0  # with a controller that does not answer: it may be about to be started again
CALL_S = 60.0
BACK = "back to the queue"


def name_of(environment: Mapping[str, str]) -> str:
    """The job, as scontrol is to be told: the number of a task of an array may be that of the whole array."""
    array = environment.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{environment['SLURM_ARRAY_TASK_ID']}" if array else environment["SLURM_JOB_ID"]


def restarts_of(environment: Mapping[str, str]) -> int:
    """How often the job was started before this time."""
    return int(environment.get("SLURM_RESTART_COUNT", "0"))


def life_of(environment: Mapping[str, str]) -> str:
    """Which start of the job this is. A controller that was killed before it saved starts a job once more without counting it."""
    return f"{name_of(environment)}.{restarts_of(environment)}.{environment.get(STARTED, '0')}"


def folder_of(logs: Path, environment: Mapping[str, str]) -> Path:
    """Where the ranks of this life of the job tell; it is there once one of them has begun."""
    return logs / f"{life_of(environment)}.ended"


def tell(folder: Path, rank: int, world: int, status: int) -> None:
    """How the command of a rank ended."""
    beside = folder / f"_{rank}"
    beside.write_text(str(status))
    beside.rename(folder / f"{rank}-of-{world}")


def told(folder: Path) -> dict[int, int]:
    """Rank → status, of those whose commands have ended."""
    names = [name for name in os.listdir(folder) if name[0] not in "_."]
    return {int(name.partition("-")[0]): int((folder / name).read_text()) for name in names}


def reason(folder: Path) -> str:
    """Why a job that ended ill is to run again; empty where it is to fail."""
    if not folder.is_dir():
        return ""  # nothing of it began: a wrong interpreter, say, and the next time it would be no better
    statuses = told(folder)
    for rank, status in sorted(statuses.items()):
        if status in AGAIN:
            return f"rank {rank} " + ("was told to end" if status == TOLD_TO_END else f"ended with {in_words(status)}")
    world = max((int(name.partition("-of-")[2]) for name in os.listdir(folder) if name[0] not in "_."), default=1)
    lost = sorted(set(range(world)) - statuses.keys())
    return f"no word of rank {lost[0]}: killed whole, or lost with its node" if lost else ""


def in_words(status: int) -> str:
    """How a command ended."""
    return f"exit status {status}" if status > 0 else f"signal {-status} ({signal.Signals(-status).name})"


def runs(shown: str, restarts: int) -> bool:
    """Whether a job runs in this life of it, by what `scontrol show job` tells."""
    state, count = re.search(r"JobState=(\S+)", shown), re.search(r"Restarts=(\d+)", shown)
    return state is not None and count is not None and state[1] == "RUNNING" and int(count[1]) == restarts


def requeue(environment: Mapping[str, str]) -> bool:
    """Whether this life's job was sent back to the queue from here; False where it was ended or sent back by others.

    Slurm would raise even a cancelled job that is just ending; and a job keeps its name in its next life, which is to go on.
    """
    name, until, pause = name_of(environment), time.monotonic() + PATIENCE_S, 0.25
    while time.monotonic() < until:
        shown = _said("scontrol", "show", "job", "-o", name)
        if shown is not None:
            if not runs(shown, restarts_of(environment)):
                return False
            if _said("scontrol", "requeue", name) is not None:
                return True
        time.sleep(pause)  # no answer, or the answer was lost: the next look tells
        pause = min(2 * pause, 5.0)
    return False


def _said(*argv: str) -> str | None:
    """What a command of Slurm prints; None where it fails."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=CALL_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def main() -> None:
    """Of the batch script, on the job's first node."""
    why = reason(folder_of(Path(__file__).parent, os.environ))
    if not why:
        return
    if restarts_of(os.environ) >= MOST_RESTARTS and "told" not in why:
        print(f"slurm: {why}; not again after {MOST_RESTARTS} restarts", file=sys.stderr)
    elif requeue(os.environ):
        print(f"slurm: {why}: {BACK}", file=sys.stderr)


if __name__ == "__main__":
    main()
