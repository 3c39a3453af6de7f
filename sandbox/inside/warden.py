"""Process 1 of a program's session: forks a process per test, and says how it ended.

It runs no line of the program itself, and holds no expected output. A session is one program: the first message says what
is to be run and brings its files, each further one asks for a test. Clocks and limits are watched from outside the jail
(`sandbox.session`): what this process touches between two forks, it copies, page by page, so that it does very little.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found, unused-ignore]  # without the enums around it, which cost a fork some thirty pages
import _socket
import json
import marshal
import mmap
import os
import select
import signal
import struct
from contextlib import suppress
from types import CodeType
from typing import Any, NoReturn

from sandbox.inside import checker, kernel, runner, wire

SESSION_FD = 32  # out of the way of the program's descriptors 0 to 3
INODES = 4096  # of /tmp
_DEFAULTED = [int(number) for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]


def serve(session_fd: int, scratch_bytes: int | None) -> NoReturn:
    """Serves one session until its socket closes; then every process of its pid namespace ends, and its mounts with them.

    scratch_bytes: the size of a fresh /tmp; None: this node allows no namespaces and mounts of a session's own, the jail's
    own /tmp is used once, and each test's process takes a filter of its own.
    """
    nested = scratch_bytes is not None
    with suppress(PermissionError):  # it leads one already where it is the jail's first process
        os.setsid()
    os.dup2(session_fd, SESSION_FD)
    session = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, SESSION_FD)
    job, fds = wire.receive(session, max_fds=6)
    memory = _take(fds)
    if scratch_bytes is not None:
        kernel.mount_tmpfs("/tmp", scratch_bytes, INODES)
    os.chdir("/tmp")
    if job["source"]:
        _write_script(job["source"])
    _send_ready(session)  # a descriptor travels with it, which `_confine` forbids
    try:
        _confine(job["limits"], nested)
    except OSError as error:  # said as every process that could not be started: a word of ours would pass for a report
        session.sendall(wire.ENDED.pack(error.errno or -1, 0, 0.0, 0))
        os._exit(0)
    channels = int(job["mode"] in ("assert", "check"))
    program: CodeType | None = None
    while True:
        try:
            request, channel = wire.receive_bytes(session, channels)
        except EOFError:
            os._exit(0)
        if program is None:
            program = _prepared()
        try:
            child = kernel.fork(kernel.CLONE_NEWUTS) if nested else os.fork()
        except OSError as error:
            session.sendall(wire.ENDED.pack(error.errno or -1, 0, 0.0, 0))
            continue
        if child == 0:
            _become(job, request, channel, program, memory, nested)
        for fd in channel:
            os.close(fd)
        if not nested:  # nobody else ends this jail when the supervisor is killed
            _outlive_no_one(child, session)
        _, status, usage = os.wait4(child, 0)  # the only one: a program starts no process
        session.sendall(wire.ENDED.pack(0, status, usage.ru_utime + usage.ru_stime, usage.ru_maxrss))


def _confine(limits: dict[str, Any], nested: bool) -> None:
    """The walls that this process shares with the tests' processes, and signals as a program finds them."""
    if nested:
        kernel.confine(forks=True)
    else:
        kernel.drop_capabilities()
    for number in _DEFAULTED:  # process 1 itself is immune
        _signal.signal(number, _signal.SIG_DFL)
    runner.limit(limits)


def _outlive_no_one(child: int, session: _socket.socket) -> None:
    """Waits for the child's end; ends the jail with all in it where the supervisor goes first."""
    process = os.pidfd_open(child)
    ready = select.select([process, session.fileno()], [], [])[0]
    if process not in ready:  # the supervisor has nothing to say before the report
        os._exit(0)
    os.close(process)


def _take(fds: list[int]) -> mmap.mmap:
    """The session's files become descriptors 0, 1, 2 …, the stage, and memory; everything else but the session is closed."""
    *streams, stage, memory = [os.dup2(fd, 100 + i) for i, fd in enumerate(fds)]
    for i, fd in enumerate(streams):
        os.dup2(fd, i)
    shared = mmap.mmap(memory, 0)
    os.dup2(stage, runner.STAGE)
    os.closerange(len(streams), SESSION_FD)
    os.closerange(runner.STAGE + 1, 256)
    return shared


def _send_ready(session: _socket.socket) -> None:
    """An empty message with /tmp, so that what a test leaves there can be seen from outside."""
    scratch = os.open("/tmp", os.O_RDONLY | os.O_DIRECTORY)
    wire.send_bytes(session, b"", [scratch])
    os.close(scratch)


def _become(
    job: dict[str, Any], request: bytes, channel: list[int], program: CodeType | None, memory: mmap.mmap, nested: bool
) -> NoReturn:
    """The life of a test's process; never returns."""
    try:
        os.close(SESSION_FD)
        for place, fd in enumerate(channel, start=runner.CHANNEL):
            os.dup2(fd, place)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        if nested:
            kernel.drop_capabilities()
        else:
            kernel.confine(forks=False)
        if job["mode"] == "check":
            os.closerange(runner.CHANNEL + 1, 64)
            checker.run(json.loads(request))
        else:
            runner.run(job, request, program, memory)
    except OSError as error:
        os.write(runner.STAGE, runner.UNCONFINED + str(error).encode())
    finally:
        os._exit(70)


def _prepared() -> CodeType | None:
    """What an earlier test's process compiled the program to, before the first line of it ran."""
    data = os.pread(runner.STAGE, os.fstat(runner.STAGE).st_size, 0)
    if not data.startswith(runner.COMPILED):
        return None
    (length,) = struct.unpack_from("<Q", data, 1)
    code: CodeType | None = marshal.loads(data[9 : 9 + length]) if length else None
    return code


def _write_script(source: str) -> None:
    """The program as a file, which it may read."""
    data = source.encode("utf-8", "backslashreplace")
    fd = os.open(runner.SCRIPT, os.O_WRONLY | os.O_CREAT, 0o444)
    while data:
        data = data[os.write(fd, data) :]
    os.close(fd)
