"""What the kernel says of a process' time, read from outside it."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path


def cpu_s(pid: int) -> float:
    """CPU seconds of a process, by the scheduler's count (Linux' CPU clock of another process). OSError: it has ended.

    RLIMIT_CPU counts whole timer ticks instead, and was seen a quarter too high on a busy machine.
    """
    return time.clock_gettime((~pid << 3) | 2)


def waited_s(pid: int) -> float:
    """The longest that a thread of a process was ready to run without a core, in seconds. A wait that goes on is not counted yet.

    OSError: it has ended, or the kernel does not count this (no CONFIG_SCHED_INFO).
    """
    return max(int(text.split()[1]) for text in _of_threads(pid, "schedstat")) / 1e9


def asleep(pid: int) -> bool:
    """Whether a process lives, and no thread of it runs or waits for a core. OSError: it has ended, and was seen to the grave."""
    states = {text.rpartition(")")[2].split()[0] for text in _of_threads(pid, "stat")}
    return "R" not in states and not states <= {"Z", "X"}


def _of_threads(pid: int, name: str) -> list[str]:
    threads = os.listdir(f"/proc/{pid}/task")
    if not threads:  # it ended between the two system calls of a listing
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return [Path(f"/proc/{pid}/task/{thread}/{name}").read_text() for thread in threads]
