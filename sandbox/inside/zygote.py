"""Process 1 of a jail: a warm interpreter that opens a session for each program, in namespaces of its own.

A request on the control socket brings one descriptor, the session's socket; a warden (process 1 of the new pid namespace)
serves it from then on. When the control socket closes, the jail ends with everything in it.
"""

from __future__ import annotations

import _sitebuiltins
import builtins
import gc
import importlib
import os
import resource
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

from sandbox.inside import kernel, probes, runner, warden, wire

# Imported once, so that a program finds them ready: what contest programs import most, and little else, as every
# page of it makes a fork dearer.
WARM = (
    "bisect",
    "collections",
    "copy",
    "functools",
    "heapq",
    "itertools",
    "math",
    "operator",
    "random",
    "re",
    "string",
    "typing",
)
REFUSES_NESTING = 3  # exit status of the process that tries
UNJAILED = 4  # exit status of a zygote that finds itself outside a jail


def main(control_fd: int) -> NoReturn:
    """Serves until the control socket is closed."""
    control = socket.socket(fileno=control_fd)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # bounds the descriptors in flight to all jails of this user too
    for name in ("exit", "quit"):  # what the module `site` gives a script; the jail starts without it
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D (i.e. EOF)"))
    vars(builtins)["help"] = _sitebuiltins._Helper()
    _import_warm()
    runner.open_streams()  # on descriptors 0 to 2, whatever will stand behind them
    probes.work()  # the answer is kept, and forks have it
    gc.collect()
    gc.freeze()  # a collection in a forked process then leaves these pages shared
    wire.send(control, {"ready": list(sys.version_info[:3])})
    if os.getpid() != 1:  # no jail is around us: touch nothing, wait for the end
        with suppress(EOFError):
            wire.receive(control)
        os._exit(UNJAILED)
    try:
        wire.receive(control)  # the supervisor has seen the walls
    except EOFError:
        os._exit(0)
    wire.send(control, {"nests": _nests()})
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps wardens
    while True:
        try:
            request, (session,) = wire.receive(control, max_fds=1)
        except EOFError:
            os._exit(0)
        if not request["nested"]:  # this jail is for one program: its warden must be process 1, out of reach of signals
            control.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            warden.serve(session, None)
        try:
            _open(session, control, request["scratch_bytes"])
        except OSError as error:
            _failed(session, error)
        os.close(session)


def _import_warm() -> None:
    """The modules, without the seeding that `random` wants in every forked process: it costs a test a fifth of a fork.

    All tests start from one seed instead, so that a program's luck is the same whenever it is judged.
    """
    register, os.register_at_fork = os.register_at_fork, lambda **_hooks: None
    try:
        for name in WARM:
            importlib.import_module(name)
    finally:
        os.register_at_fork = register
    importlib.import_module("random").seed(0)


def _open(session: int, control: socket.socket, scratch_bytes: int) -> None:
    """Forks the session's warden as process 1 of a new pid namespace."""
    if kernel.fork(kernel.CLONE_NEWPID | kernel.CLONE_NEWNS) == 0:
        try:
            control.close()
            warden.serve(session, scratch_bytes)
        except OSError as error:
            _failed(warden.SESSION_FD, error)  # where the warden has moved it first of all
        finally:
            os._exit(0)


def _failed(session: int, error: OSError) -> None:
    with socket.socket(fileno=os.dup(session)) as sock:
        wire.send_bytes(sock, str(error).encode())


def _nests() -> bool:
    """Whether this node lets a jailed process make namespaces and mounts of its own."""
    try:
        kernel.own_mounts()
        child = kernel.fork(kernel.CLONE_NEWPID | kernel.CLONE_NEWNS)
    except OSError:
        return False
    if child == 0:
        status = REFUSES_NESTING
        with suppress(OSError):
            kernel.mount_tmpfs("/tmp", 1 << 20, 16)
            if (inner := kernel.fork(kernel.CLONE_NEWUTS)) == 0:
                os._exit(0)
            os.waitpid(inner, 0)
            status = 0
        os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0
