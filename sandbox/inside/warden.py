"""Process 1 of a jail: forks a process per test, watches its clock, kills what is left, reports a few numbers.

It runs no line of the program itself, and holds no expected output. One request at a time comes on the control socket:
`program` (what is to be run), `compile` (does the interpreter take it), `test` (run it once; files come along).
"""

from __future__ import annotations

import _sitebuiltins
import builtins
import mmap
import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress
from resource import struct_rusage
from typing import Any, NoReturn

from sandbox.inside import checker, runner, wire


def main(control_fd: int) -> NoReturn:
    """Serves requests until the control socket is closed; then the jail ends, with everything in it."""
    control = socket.socket(fileno=control_fd)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    for name in ("exit", "quit"):  # what the module `site` gives a script; the jail starts without it
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    wire.send(control, {"ready": list(sys.version_info[:3])})
    job: dict[str, Any] = {}
    while True:
        try:
            request, fds = wire.receive(control, max_fds=8)
        except EOFError:
            os._exit(0)
        kind = request["do"]
        if kind == "program":
            job = request
            continue
        flag = mmap.mmap(-1, 1)
        seen = mmap.mmap(-1, job["source"].count("\n") + 2) if kind == "test" and request["trace"] else None
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            control.detach()
            os.close(control_fd)
            _become(job, request, fds, seen, flag)
        for fd in fds:
            os.close(fd)
        report = _watch(child, control, job["limits"], started)
        report["flag"] = flag[0]
        report["lines"] = [i + 1 for i, byte in enumerate(seen[:]) if byte] if seen is not None else []
        report["dirty"] = bool(os.listdir("/tmp"))
        flag.close()
        if seen is not None:
            seen.close()
        wire.send(control, report)


def _become(job: dict[str, Any], request: dict[str, Any], fds: list[int], seen: mmap.mmap | None, flag: mmap.mmap) -> NoReturn:
    """The child's life; never returns."""
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as the interpreter itself does
        if request["do"] == "compile":
            _compile(job, fds)
        elif job["mode"] == "check":
            checker.run(job, request, fds)
        else:
            runner.run(job, request, fds, seen, flag)
    finally:
        os._exit(70)


def _compile(job: dict[str, Any], fds: list[int]) -> NoReturn:
    """Exit status 0: the interpreter takes the source; 1: it refuses, the reason is on descriptor 2."""
    runner.take_files(fds)
    runner.limit(job["limits"])
    try:
        compile(job["source"], runner.FILENAME, "exec", dont_inherit=True)
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}")
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, by the scheduler's count (Linux' CPU clock of another process).

    RLIMIT_CPU counts whole timer ticks instead, and was seen a quarter too high on a busy machine: a backstop only.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _watch(child: int, control: socket.socket, limits: dict[str, Any], started: float) -> dict[str, Any]:
    """Waits for the child, within its CPU and wall seconds; kills every other process of the jail; its numbers."""
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(control, select.POLLHUP | select.POLLRDHUP)
    wall_out = cpu_out = False
    while not (wall_out or cpu_out):
        wall_left = limits["wall_s"] - (time.monotonic() - started)
        cpu_left = limits["cpu_s"] - _cpu_s(child)
        events = poll.poll(1000 * min(max(wall_left, 0), max(cpu_left, 0.01)))
        if any(fd == pidfd for fd, _ in events):
            break
        if events:  # the supervisor has gone
            os._exit(0)
        wall_out, cpu_out = wall_left <= 0, cpu_left <= 0
    else:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    os.close(pidfd)
    cpu, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss
    for other in _kill_the_rest():
        cpu += other.ru_utime + other.ru_stime
        memory = max(memory, other.ru_maxrss)
    return {"status": status, "wall_out": wall_out, "cpu_out": cpu_out, "wall_s": wall, "cpu_s": cpu, "memory_mib": memory / 1024}


def _kill_the_rest() -> list[struct_rusage]:
    """Kills and reaps every process of this jail but process 1; their resource usages."""
    usages: list[struct_rusage] = []
    while True:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        try:
            _, _, usage = os.wait4(-1, 0)
        except ChildProcessError:
            return usages
        usages.append(usage)
