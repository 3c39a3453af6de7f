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
    """The longest that a thread of a process was ready to run without a core, in seconds.

    OSError: it has ended, or the kernel does not count this (no CONFIG_SCHED_INFO).
    """
    threads = os.listdir(f"/proc/{pid}/task")
    if not threads:  # it ended between the two system calls of a listing
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    return max(int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[1]) for thread in threads) / 1e9
