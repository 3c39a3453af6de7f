"""From what a jail reports and a process wrote to a verdict: pure decisions, made outside."""

from __future__ import annotations

import hashlib
import os
import reprlib
import signal
from typing import Any

from sandbox.compare import json_key, values_equal
from sandbox.files import Files
from sandbox.inside import wire
from sandbox.inside.wire import GONE, OUT_OF_MEMORY, PASSED, RAISED, TOO_LARGE, WRONG
from sandbox.limits import Limits
from sandbox.session import JailError, Run
from sandbox.verdict import TestResult, Verdict

# What a scheduler, an administrator or a kernel short of memory may send to a program too, besides the program to itself.
FROM_OUTSIDE = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGINT, signal.SIGHUP, signal.SIGKILL)
HEAD_BYTES = 500  # of output and of messages kept in a row


def of_process(run: Run, files: Files, compiled: bool, limits: Limits) -> tuple[Verdict | None, str]:
    """What the end of the process alone says, and why; no verdict where it ended well, or lives on."""
    if files.largest() >= limits.output_bytes:
        return Verdict.OUTPUT_LIMIT, f"more than {limits.output_bytes} bytes of output"
    if run.over == "wall":
        return Verdict.TIME_LIMIT, f"more than {limits.wall_s:g} s of wall time"
    if run.over or run.cpu_s > limits.cpu_s:
        return Verdict.TIME_LIMIT, f"more than {limits.cpu_s:g} s of CPU time"
    if compiled and (run.status == 0 or run.status is None):
        return None, ""
    errors = files.read(2, 1 << 20).decode("utf-8", "replace").strip().splitlines()
    last = errors[-1][-HEAD_BYTES:] if errors else ""
    if not compiled:
        return Verdict.COMPILE_ERROR, last or "the interpreter died while compiling"
    status = run.status or 0
    if files.flag() == OUT_OF_MEMORY or run.memory_mib > 0.95 * limits.memory_mib:
        return Verdict.MEMORY_LIMIT, f"more than {limits.memory_mib} MiB: {last}"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return Verdict.RUNTIME_ERROR, f"killed by signal {number} ({signal.strsignal(number)})" + (f": {last}" if last else "")
    return Verdict.RUNTIME_ERROR, last or f"exit status {os.WEXITSTATUS(status)}"


class _Brief(reprlib.Repr):
    """A few characters of a value, in little time: the decimal digits of a long integer take the square of their number."""

    def repr_int(self, x: int, level: int) -> str:
        return str(x) if x.bit_length() <= 256 else f"<an int of {x.bit_length()} bits>"

    def repr_instance(self, x: object, level: int) -> str:
        return repr(x) if type(x) in (float, bool, type(None)) else f"<{type(x).__name__}>"


_brief = _Brief()


def of_value(answer: bytes, expected: Any, compare: str, tolerance: float) -> tuple[Verdict, str]:
    """Whether the value that a call returned, as bytes from the jail, is the expected one."""
    if not answer:
        return Verdict.RUNTIME_ERROR, "no value came back"
    try:
        value = _plain(wire.loads(answer))
        right = values_equal(value, expected, compare, tolerance)
    except (wire.WireError, RecursionError) as error:
        return Verdict.WRONG_ANSWER, f"the value is no plain data: {error}"
    return (Verdict.PASS, "") if right else (Verdict.WRONG_ANSWER, f"returned {_brief.repr(value)}")


def _plain(tree: Any) -> Any:
    """The value of a JSON tree of `wire`, where JSON can say as much; WireError where it cannot: nothing expected equals that.

    This process runs under no clock. So nothing here costs more than its length: a dict's keys become the texts that JSON has
    for them, as numbers, fractions and the like can be chosen so that all their hashes are equal.
    """
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    match tree:
        case {"t": list(items), **rest} if not rest:
            return tuple(_plain(item) for item in items)
        case {"i": str(digits), **rest} if not rest:
            return _long_int(digits)
        case {"d": list(items), **rest} if not rest:
            return _plain_dict(items)
    raise wire.WireError(f"no JSON has the like of {_brief.repr(tree)}")


def _plain_dict(items: list[Any]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, list) or len(item) != 2:
            raise wire.WireError("a dict's item that is no pair")
        key = json_key(_plain(item[0]))
        if key is None or key in value:
            raise wire.WireError("a dict's key that JSON does not have, or has twice")
        value[key] = _plain(item[1])
    return value


def _long_int(digits: str) -> int:
    try:
        return int(digits, 16)
    except ValueError as error:
        raise wire.WireError(f"malformed value: {error}") from error


def of_check(checked: dict[str, Any]) -> Verdict:
    """The outcome of a test whose program ended well, or lives on, from what the process of the test code says."""
    verdicts = {
        PASSED: Verdict.PASS,
        WRONG: Verdict.WRONG_ANSWER,
        RAISED: Verdict.RUNTIME_ERROR,
        GONE: Verdict.RUNTIME_ERROR,
        TOO_LARGE: Verdict.OUTPUT_LIMIT,
    }
    if checked["outcome"] not in verdicts:
        raise JailError(f"the test code ended with outcome {checked['outcome']!r}")
    return verdicts[checked["outcome"]]


def perhaps_killed_from_outside(test: TestResult) -> bool:
    """Whether a signal that ended the program need not be its own doing. What kills itself does so in every attempt."""
    return test.verdict in (Verdict.RUNTIME_ERROR, Verdict.COMPILE_ERROR) and test.signal in FROM_OUTSIDE


def measured(index: int, run: Run, verdict: Verdict, output: bytes, message: str, lines: tuple[int, ...]) -> TestResult:
    """A test's row: the verdict with what was measured."""
    status = run.status or 0
    return TestResult(
        test=index,
        verdict=verdict,
        wall_s=run.wall_s,
        cpu_s=run.cpu_s,
        memory_mib=run.memory_mib,
        exit_status=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        output_sha256=hashlib.sha256(output).hexdigest(),
        output_bytes=len(output),
        output_head=output[:HEAD_BYTES].decode("utf-8", "backslashreplace"),
        message=message,
        executed_lines=lines,
    )
