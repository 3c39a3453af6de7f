"""The clocks of processes that end while somebody looks at them, as tests' processes do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest

from sandbox import clock


@pytest.mark.parametrize("look", [clock.waited_s, clock.cpu_s, clock.asleep])
def test_a_process_that_ends_under_the_look_is_an_os_error_at_any_moment(look):
    until = time.monotonic() + 2  # one end in fifty falls between the two system calls of a listing: some ten of these
    while time.monotonic() < until:
        pid = os.posix_spawn("/bin/true", ["true"], {})
        reaper = threading.Thread(target=os.waitpid, args=(pid, 0))
        reaper.start()
        with suppress(OSError):
            while True:
                look(pid)
        reaper.join()


@pytest.mark.parametrize(
    ("code", "expected"),
    [("while True: pass", False), ("import time; time.sleep(60)", True), ("", False)],
    ids=["computes", "sleeps", "ended"],
)
def test_a_process_that_waits_for_something_else_than_a_core_is_asleep(code, expected):
    process = subprocess.Popen([sys.executable, "-c", code])  # not waited for: one that has ended is a zombie
    try:
        time.sleep(1)  # a sleeper starts first
        assert [clock.asleep(process.pid) for _ in range(20)] == [expected] * 20
    finally:
        process.kill()
        process.wait()
