"""Process 1 of a program's session: forks a process per test, watches its clock, reports a few numbers.

It runs no line of the program itself, and holds no expected output. A session is one program: the first message says what
is to be run and brings its files, each further one asks for a test.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found, unused-ignore]  # without the enums around it, which cost a fork some thirty pages
import json
import marshal
import math
import mmap
import os
import select
import signal
import socket
import stat
import struct
import time
from contextlib import suppress
from fcntl import F_SETFL, fcntl
from typing import Any, NoReturn

from sandbox.inside import checker, kernel, runner, wire

SESSION_FD = 32  # out of the way of the program's descriptors 0 to 3
FINISH_S = 1.0  # for a process that has hung up
INODES = 4096  # of /tmp
MOST_LINES = 1 << 16  # that a trace tells apart


def serve(session_fd: int, scratch_bytes: int | None) -> NoReturn:
    """Serves one session until its socket closes; then every process of its pid namespace ends, and its mounts with them.

    scratch_bytes: the size of a fresh /tmp; None: this node allows no mounts, the jail's own /tmp is used once.
    """
    with suppress(PermissionError):  # it leads one already where it is the jail's first process
        os.setsid()
    os.dup2(session_fd, SESSION_FD)
    session = socket.socket(fileno=SESSION_FD)
    job, fds = wire.receive(session, max_fds=4)
    _take(fds)
    stage = os.memfd_create("stage")
    os.dup2(stage, runner.STAGE)
    os.close(stage)
    if scratch_bytes is not None:
        kernel.mount_tmpfs("/tmp", scratch_bytes, INODES)
    os.chdir("/tmp")
    script = _write_script(job["source"]) if job["source"] else None
    kernel.drop_capabilities()
    # As a program finds them; process 1 itself is immune.
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        _signal.signal(number, _signal.SIG_DFL)
    runner.open_streams()
    runner.limit(job["limits"])
    lines = len(job["source"].replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"))
    memory = mmap.mmap(-1, 1 + min(lines, MOST_LINES))  # a flag, then a byte a line
    program: runner.Prepared | None = None
    while True:
        try:
            request, channel = wire.receive(session, max_fds=1)
        except EOFError:
            os._exit(0)
        if request["do"] != "test":  # a mark for a process that has ended meanwhile
            continue
        memory[:] = bytes(len(memory))
        os.ftruncate(runner.STAGE, 0)
        os.lseek(runner.STAGE, 0, os.SEEK_SET)
        started = time.monotonic()
        try:
            child = os.fork()
        except OSError as error:
            wire.send(session, {"failed": f"no process for a test: {error}"})
            continue
        if child == 0:
            _become(job, request, channel, program, memory)
        for fd in channel:
            os.close(fd)
        report = _watch(child, session, job["limits"], started, memory)
        ready = _stage()
        if ready is None:
            report = {"failed": f"the program's process could not be confined: {_last_words()}"}
        else:
            report |= {"compiled": ready is not True, "flag": memory[0], "lines": _lines(memory)}
            if program is None and isinstance(ready, runner.Prepared):
                program = ready
                report["spans"] = program.spans
        report["dirty"] = _left_something(script)
        wire.send(session, report)


def _take(fds: list[int]) -> None:
    """The session's files become descriptors 0, 1, 2 …, everything else but the session is closed."""
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(high):
        os.dup2(fd, i)
    os.closerange(len(fds), SESSION_FD)
    os.closerange(SESSION_FD + 1, 256)


def _become(
    job: dict[str, Any],
    request: dict[str, Any],
    channel: list[int],
    program: runner.Prepared | None,
    memory: mmap.mmap,
) -> NoReturn:
    """The life of a test's process; never returns."""
    try:
        os.close(SESSION_FD)
        for place, fd in enumerate(channel, start=runner.CHANNEL):
            os.dup2(fd, place)
        _signal.signal(signal.SIGINT, _signal.default_int_handler)
        kernel.confine()
        os.write(runner.STAGE, b"C")
        if job["mode"] == "check":
            os.closerange(runner.CHANNEL + 1, 64)
            checker.run(request)
        else:
            runner.run(job, request, program, memory)
    except OSError as error:
        os.write(2, str(error).encode())
    finally:
        os._exit(70)


def _stage() -> runner.Prepared | bool | None:
    """How far the test's process came before the first line of the program; written by our code alone, then closed to it.

    None: it was not confined. True: confined, and no more. False: compiled; or what it was compiled to.
    """
    size = os.fstat(runner.STAGE).st_size
    if size < 2:
        return True if size else None
    data = os.pread(runner.STAGE, size, 2)
    if not data:
        return False
    (length,) = struct.unpack_from("<Q", data)
    return runner.Prepared(marshal.loads(data[8 : 8 + length]), json.loads(data[8 + length :]))


def _last_words() -> str:
    return os.pread(2, 500, 0).decode("utf-8", "replace")


def _lines(memory: mmap.mmap) -> list[int]:
    return [line for line, byte in enumerate(memory[:]) if byte and line]


def _write_script(source: str) -> os.stat_result:
    """The program as a file, which it may read; how that file stands."""
    with open(runner.SCRIPT, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
        file.write(source)
    return os.stat(runner.SCRIPT)


def _left_something(script: os.stat_result | None) -> bool:
    """Whether a test left or changed something in /tmp, which only a new session mends."""
    for fd in (0, 1, 2):
        fcntl(fd, F_SETFL, 0)  # O_APPEND or O_NONBLOCK would outlive the process that set it
    try:
        if stat.S_IMODE(os.stat("/tmp").st_mode) != 0o777 or len(os.listdir("/tmp")) != (script is not None):
            return True
        return script is not None and os.stat(runner.SCRIPT).st_ctime_ns != script.st_ctime_ns  # any change moves it
    except (PermissionError, FileNotFoundError):
        return True


def _cpu_s(pid: int) -> float:
    """CPU seconds of a process so far, by the scheduler's count (Linux' CPU clock of another process).

    RLIMIT_CPU counts whole timer ticks instead, and was seen a quarter too high on a busy machine: a backstop only.
    """
    return time.clock_gettime((~pid << 3) | 2)


def _watch(child: int, session: socket.socket, limits: dict[str, Any], started: float, memory: mmap.mmap) -> dict[str, Any]:
    """Waits for the child's end, within its CPU and wall seconds; kills what is left; its numbers.

    Meanwhile the supervisor may ask for a `mark` (numbers so far; the clocks start anew: a process that serves several
    tests has its limits for each), to `kill` it, or to let it `finish`: it has hung up, and its end is near or is made.
    """
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    poll.register(session, select.POLLIN | select.POLLHUP | select.POLLRDHUP)
    wall_out = cpu_out = killed = False
    cpu_before, end_by = 0.0, math.inf
    while not (wall_out or cpu_out or killed):
        now = time.monotonic()
        wall_left = min(limits["wall_s"] - (now - started), end_by - now)
        cpu_left = limits["cpu_s"] - (_cpu_s(child) - cpu_before)
        events = poll.poll(1000 * min(max(wall_left, 0), max(cpu_left, 0.01)))
        if any(fd == pidfd for fd, _ in events):
            break
        if events:
            try:
                request, _ = wire.receive(session)
            except (EOFError, OSError):  # the supervisor has gone
                os._exit(0)
            killed = request["do"] == "kill"
            if request["do"] == "finish":
                end_by = time.monotonic() + FINISH_S
            if request["do"] == "mark":
                now, cpu = time.monotonic(), _cpu_s(child)
                numbers = {"cpu_s": cpu - cpu_before, "wall_s": now - started, "lines": _lines(memory), "flag": memory[0]}
                wire.send(session, numbers)
                started, cpu_before = now, cpu
            continue
        killed = now >= end_by
        wall_out, cpu_out = wall_left <= 0 and not killed, cpu_left <= 0
    else:
        os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    wall = time.monotonic() - started
    os.close(pidfd)
    _kill_the_rest()
    return {
        "status": status,
        "wall_out": wall_out,
        "cpu_out": cpu_out,
        "wall_s": wall,
        "cpu_s": usage.ru_utime + usage.ru_stime - cpu_before,
        "memory_mib": usage.ru_maxrss / 1024,
    }


def _kill_the_rest() -> None:
    """A program can start no process, so that there is none; were there one, it would die here."""
    while True:
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        try:
            os.wait4(-1, 0)
        except ChildProcessError:
            return
