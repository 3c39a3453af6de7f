"""The process in which one program runs on one test. Untrusted from the program's first line on.

What it reports (an exit status, bytes on its files) is only ever compared outside; nothing here knows an expected output.
"""

from __future__ import annotations

import atexit
import builtins
import io
import json
import marshal
import os
import resource
import struct
import sys
import traceback
import types
from contextlib import suppress
from mmap import mmap
from os import _exit  # bound before a program can put its own in its place
from typing import Any, NoReturn

from sandbox.inside import probes, tracer, wire

FILENAME = "program.py"
CHANNEL = 3  # the descriptor on which `call` answers are written and `assert` calls are served
SCRIPT = "/tmp/program.py"  # where a program finds itself
_ANY, _getattr = BaseException, getattr  # bound before a program can take them out of `builtins`; likewise _exit above
OWN_PROCESSES = 5  # of the jail: zygote, wardens of the program and of the test code, and what they fork
QUEUED_SIGNALS = 256  # timers too. The kernel also counts them for all jails of a user together, up to some 100,000
STAGE = 33  # the descriptor that says how far we came before the program's first line; beyond the warden's SESSION_FD
# What stands there first. COMPILED: 8 bytes of length, the code for the tests after this one (marshal), and the spans of its
# statements (JSON); TOLD: compiled, and nothing kept; UNCONFINED: why this process could not be confined.
COMPILED, TOLD, UNCONFINED = b"P", b"T", b"F"
# Characters and lines of a program that is traced. To make its trace ready takes up to 50 microseconds a line, which count as
# its own: of a longer program it would take a good part of the CPU limit.
MOST_TRACED = 1 << 16, 10_000


def allowed(which: int, value: int) -> int:
    """The value of a limit (resource.RLIMIT_…), or the inherited hard one where that is lower: only the site can raise it."""
    hard = resource.getrlimit(which)[1]
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def limit(limits: dict[str, Any]) -> None:
    """Sets the limits that the warden may share on this process and what it starts."""
    memory = int(limits["memory_mib"]) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))  # never less: no jail starts where it is refused (see jail.py)
    for which, value in (
        (resource.RLIMIT_FSIZE, int(limits["output_bytes"])),
        (resource.RLIMIT_NOFILE, int(limits["open_files"])),
        (resource.RLIMIT_NPROC, int(limits["processes"]) + OWN_PROCESSES),
        (resource.RLIMIT_SIGPENDING, QUEUED_SIGNALS),
    ):
        most = allowed(which, value)
        resource.setrlimit(which, (most, most))


def open_streams() -> None:
    """Standard streams on descriptors 0, 1, 2."""
    sys.stdin, sys.stdout, sys.stderr = _text(0, "rb"), _text(1, "wb"), _text(2, "wb", "backslashreplace")
    vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)


def _text(fd: int, mode: str, errors: str = "surrogateescape") -> io.TextIOWrapper:
    """A standard stream as the interpreter itself makes it under `-X utf8`, `mode` included, which programs read."""
    stream = io.TextIOWrapper(io.open(fd, mode, closefd=False), "utf-8", errors, line_buffering=fd == 2)
    stream.mode = mode[0]  # type: ignore[misc]
    return stream


def run(job: dict[str, Any], request: bytes, prepared: types.CodeType | None, memory: mmap) -> NoReturn:
    """Runs the program on one test and never returns. request: of `call`, the arguments; memory: a flag, then a byte a line."""
    status = 1
    module = types.ModuleType("__main__" if job["mode"] == "stdin" else "program")
    sys.modules[module.__name__] = module
    try:
        status = _run(job, request, prepared, memory, module)
    except SystemExit as stop:
        status = _exit_status(stop.code)
    except MemoryError:
        memory[0] = wire.OUT_OF_MEMORY
        sys.stderr.write("MemoryError\n")
    except wire.WireError as error:
        sys.stderr.write(f"no value came back: {error}\n")
    except _ANY as error:
        _print_error(error)
    finally:
        _leave(status, module)


def _run(job: dict[str, Any], request: bytes, prepared: types.CodeType | None, memory: mmap, module: types.ModuleType) -> int:
    mode = job["mode"]
    code = _compiled(job, prepared)
    os.closerange(CHANNEL if mode == "stdin" else CHANNEL + 1, 64)  # the stage with them: from here on nothing counts but the end
    sys.argv = [FILENAME]
    sys.setrecursionlimit(sys.getrecursionlimit() + _depth())  # what lies below a program is none of its own depth
    names = module.__dict__
    names["__file__"] = SCRIPT
    if mode == "stdin":
        names["__builtins__"] = builtins  # the module in a script, a dict elsewhere
        if sys.version_info < (3, 14):
            names["__annotations__"] = {}
    if job["setup"]:
        exec(compile(job["setup"], "setup.py", "exec", dont_inherit=True), names)
        if mode == "assert":
            names.pop(job["entry_point"], None)  # the prompt's stub, which the program replaces
    if _is_traced(job):
        sys.setrecursionlimit(sys.getrecursionlimit() + int(not probes.is_marked(code)))  # the tracer's own call, at the deepest
        code = _traced(code, memory)
    exec(code, names)
    if mode == "call":
        value = entry_point(names, job["entry_point"])(*wire.from_tree(wire.loads(request)))
        data = wire.dumps(wire.to_tree(value))
        with open(CHANNEL, "wb", closefd=False) as channel:
            channel.write(data)
    elif mode == "assert":
        serve(names, memory if job["trace"] else None)
    return 0


def _depth() -> int:
    """How much deeper a program's own frame lies when our caller runs it than in a script; to 3.11 `exec` is a level too."""
    depth, frame = int(sys.version_info < (3, 12)), sys._getframe(1).f_back
    while frame is not None:
        depth, frame = depth + 1, frame.f_back
    return depth + 1


def _compiled(job: dict[str, Any], prepared: types.CodeType | None) -> types.CodeType:
    """The program's code: compiled here the first time, and told on the stage; then as the warden has it from there."""
    if prepared is not None:
        return prepared
    source = job["source"].removeprefix("\ufeff")  # text already, so that a coding line says nothing; a mark is no part of it
    code: types.CodeType = compile(source, FILENAME, "exec", dont_inherit=True)
    spans: list[Any] = []
    if _is_traced(job):
        try:
            code = tracer.prepare(code)
            spans = tracer.statement_spans(source)
        except (MemoryError, RecursionError):
            spans = []  # a program whose syntax tree alone takes all memory; no tokens of it can be told apart
    later = job["mode"] != "assert" and job["tests"] > 1  # whether other processes will run it
    if not (later or spans):
        os.write(STAGE, TOLD)
        return code
    try:
        data = marshal.dumps(code) if later else b""
    except ValueError:  # functions in functions, too deep for it; each test compiles them
        os.write(STAGE, TOLD)
        return code
    kept = COMPILED + struct.pack("<Q", len(data)) + data + json.dumps(spans, separators=(",", ":")).encode()
    os.write(STAGE, kept if len(kept) < job["limits"]["output_bytes"] else TOLD)  # a giant; each test compiles it
    return code


def _is_traced(job: dict[str, Any]) -> bool:
    characters, lines = MOST_TRACED
    return job["trace"] and len(job["source"]) <= characters and job["source"].count("\n") <= lines


def _traced(code: types.CodeType, memory: mmap) -> types.CodeType:
    try:
        return tracer.start(code, memory)  # the memory itself: it becomes a constant, and a code object's are hashed
    except RecursionError:  # functions in functions, too deep to be followed: it runs untraced
        return code


def entry_point(names: dict[str, Any], name: str) -> Any:
    """The method `name` of `Solution()` (LeetCode's layout, where a star import may define the bare name), or the function."""
    solution = names.get("Solution")
    if isinstance(solution, type) and hasattr(solution, name):
        return getattr(solution(), name)
    if name in names:
        return names[name]
    raise NameError(f"the program defines no {name!r}")


def serve(names: dict[str, Any], memory: mmap | None) -> None:
    """Answers the checker's calls on the channel until it hangs up (see checker.py). memory: of the trace."""
    import socket

    channel = socket.socket(fileno=CHANNEL)
    kept: list[Any] = []

    def keep(value: Any) -> int:
        kept.append(value)
        return len(kept) - 1

    loaded = memory[:] if memory is not None else b""  # the lines that ran at import count for every test

    def value_of(tree: Any) -> Any:
        return wire.from_tree(tree, lambda number, _type: kept[number])

    while True:
        try:
            request, _ = wire.receive(channel)
        except EOFError:
            return
        if request["first"]:  # of another test
            kept.clear()
            if memory is not None:
                memory[:] = loaded
                tracer.restart()
        try:
            action, target = request["do"], request["target"]
            thing: Any = None
            if action != "begin":
                thing = entry_point(names, target) if isinstance(target, str) else kept[target]
            if action == "call":
                args, kwargs = value_of(request["args"]), value_of(request["kwargs"])
                thing = thing(*args, **kwargs)
            elif action == "get":
                thing = getattr(thing, request["name"])
            elif action == "set":
                setattr(thing, request["name"], value_of(request["value"]))
                thing = None
            elif action == "item":
                thing = thing[value_of(request["key"])]
            elif action == "list":
                thing = list(thing)
            elif action == "len":
                thing = len(thing)
            elif action == "str":
                thing = str(thing)
            reply = {"value": wire.to_tree(thing, keep)}
        except BaseException as error:
            _print_error(error)
            reply = {"raised": type(error).__name__, "text": _words(error), "mro": [c.__name__ for c in type(error).__mro__]}
        with suppress(_ANY):  # a stream of the program's own may refuse; what it returned counts
            _flush("stdout")
        wire.send(channel, reply)


def _words(error: BaseException) -> str:
    try:
        return str(error)[:500]
    except BaseException:
        return ""


def _print_error(error: BaseException) -> None:
    try:
        traceback.print_exception(type(error), error, _own_frames(error.__traceback__))
    except _ANY:  # a program may break its own traceback; the exit status says enough
        os.write(2, b"an exception that cannot be printed\n")


def _own_frames(trace: types.TracebackType | None) -> types.TracebackType | None:
    """A traceback that starts in the program, not in this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename != FILENAME:
        trace = trace.tb_next
    return trace


def _flush(name: str) -> None:
    """Flushes a standard stream by its name in `sys`; as the interpreter does, of whatever kind it is by now, if there is one."""
    stream = _getattr(sys, name, None)
    if stream is not None and not _getattr(stream, "closed", False):
        stream.flush()


def _exit_status(code: Any) -> int:
    """As the interpreter maps SystemExit's argument to a status."""
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF if -(1 << 63) <= code < 1 << 63 else 0xFF
    sys.stderr.write(f"{code}\n")
    return 1


def _leave(status: int, module: types.ModuleType) -> NoReturn:
    """What the interpreter does at its end: other threads, atexit functions, flushed files, the program's objects dropped.

    As there, only what cannot be flushed changes the status. The program may have emptied `builtins` by now.
    """
    for last, counts in (
        (_wait_for_threads, False),
        (atexit._run_exitfuncs, False),
        (lambda: _flush("stdout"), True),
        (_flush_original, False),
        (module.__dict__.clear, False),  # a file that the program left open writes what it holds
        (_flush_original, False),
    ):
        try:
            last()
        except _ANY as error:
            status = status or (120 if counts else 0)
            _print_error(error)
    _exit(status)


def _wait_for_threads() -> None:
    threading = sys.modules.get("threading")  # not imported here: it hooks into every fork
    if threading is not None:
        threading._shutdown()


def _flush_original() -> None:
    """The first `sys.stdout`, where another stands in its place: a program may have taken its buffer from it (`detach`)."""
    with suppress(_ANY):  # the interpreter only drops it, in silence
        _flush("__stdout__")
