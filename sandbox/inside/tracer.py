"""Which lines ran: a byte a line in memory shared with the warden, so that it outlives a kill.

    ready = prepare(compile(source, ...))   once a program; the result may travel through `marshal`
    exec(start(ready, seen), names)         in each process that is traced
    restart()                               `seen` was zeroed: lines are recorded anew

A line counts as run when `sys.settrace` reports it for the program's own code. Python 3.11 gets probes in its bytecode (see
probes.py), later versions use `sys.monitoring`; what cannot be given probes is run under `sys.settrace` itself. A program can
forge its trace from inside: it is evidence for a mask (FGO), never for a reward.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from importlib.util import decode_source
from types import CodeType, FrameType
from typing import Any

from sandbox.inside import bytecode, probes

_BODIES = ("body", "cases", "handlers", "orelse", "finalbody")  # of a compound statement, in source order
_restarts: list[Callable[[], None]] = []  # at most one: that of the last `start`


def prepare(code: CodeType) -> CodeType:
    """The code of a whole program made ready for `start`: on Python 3.11 a copy with probes, elsewhere `code` itself."""
    if not probes.work():
        return code
    try:
        return probes.insert(code)
    except bytecode.UnsupportedError:
        return code  # then `start` uses settrace


def start(code: CodeType, seen: probes.Lines) -> CodeType:
    """What is to be exec'ed in place of `code` (from `prepare`). It sets `seen[line] = 1` for every line that runs.

    Lines from `len(seen)` on are left out. One program a process: a second `start` takes `restart` over from the first.
    """
    if probes.is_marked(code):
        code, again = probes.activate(code, seen)
    elif sys.version_info >= (3, 12):
        again = _monitor(code, seen)
    else:
        again = _settrace(code, seen)
    _restarts[:] = [again]
    return code


def restart() -> None:
    """Records lines anew from here on. The caller has zeroed `seen`."""
    for again in _restarts:
        again()


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def _monitor(code: CodeType, seen: probes.Lines) -> Callable[[], None]:
    """PEP 669: each line's event is switched off once it was seen, so that a loop costs nothing.

    Two differences from settrace: code that the program copies (`code.replace`, `types.coroutine`) is not seen, nor, after a
    restart, a line reached between `text + part` and its assignment, which the specialised interpreter does in one step.
    """
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]  # not known to 3.11
    tool, size, off = monitoring.COVERAGE_ID, len(seen), monitoring.DISABLE

    def line_event(_code: CodeType, line: int) -> Any:
        if 0 < line < size:
            seen[line] = 1
        return off

    def start_event(part: CodeType, _offset: int) -> Any:  # 3.13 has no line event for a body on the line of its `def`
        if 0 < part.co_firstlineno < size:  # not by line_event: at the deepest of a recursion there is room for one call
            seen[part.co_firstlineno] = 1
        return off

    if monitoring.get_tool(tool) is None:
        monitoring.use_tool_id(tool, "stepbatch")
    events = monitoring.events
    monitoring.register_callback(tool, events.LINE, line_event)
    monitoring.register_callback(tool, events.PY_START, start_event)
    for part in _codes(code):
        short = part.co_firstlineno in _own_lines(part)
        monitoring.set_local_events(tool, part, events.LINE | events.PY_START if short else events.LINE)
    again: Callable[[], None] = monitoring.restart_events
    return again


def _settrace(code: CodeType, seen: probes.Lines) -> Callable[[], None]:
    """Before 3.12. A code object whose every line was seen is not traced when it is called again."""
    size = len(seen)
    lines = {id(part): _own_lines(part) for part in _codes(code)}
    missing: dict[int, set[int]] = {}

    def local(frame: FrameType, event: str, _arg: Any) -> Callable[..., Any] | None:
        if event == "line":
            line = frame.f_lineno
            if 0 < line < size:
                seen[line] = 1
            missing.get(id(frame.f_code), set()).discard(line)
        return local

    def enter(frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        ours = frame.f_code.co_filename == code.co_filename
        return local if ours and missing.get(id(frame.f_code), True) else None  # not known: a copy, as types.coroutine makes

    def again(_kept: CodeType = code) -> None:  # ids stay those of living objects
        missing.update((part, set(own)) for part, own in lines.items())

    import threading

    again()
    threading.settrace(enter)
    sys.settrace(enter)
    return again


def _own_lines(code: CodeType) -> set[int]:
    """The lines of which settrace may report an event: those of instructions behind the first RESUME."""
    first = 2 * code.co_code[::2].index(bytecode.RESUME) + 2
    return {line for _, end, line in code.co_lines() if line and end > first}


def statement_spans(source: str | bytes) -> list[tuple[int, int, int]]:
    """(first line, last line of its header, last line) of every statement, `except` handler and `case`, in source order.

    The first line is that of the first decorator where there is one. A header ends at its colon's line; a statement without
    a body is all header. Raises SyntaxError or ValueError where the source is no program; deep or long sources may cost
    gigabytes and raise MemoryError or RecursionError.

    `else:` and `finally:` have no entry and no event: such a line ran if the next entry's statement ran, the first of its
    body. (The `else:` of a loop or a `try` may be skipped though the compound statement ran to its end.) The same rule suits
    comments and blank lines. No event comes either for `global`, `nonlocal`, docstrings, bare annotations in functions, and
    what the compiler drops, such as the body of `if 0:`; the first two ran if what stands around them ran.
    """
    text = decode_source(source) if isinstance(source, bytes) else source
    waiting: list[Any] = ast.parse(text).body[::-1]
    lines = text.encode().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
    spans = []
    line, column = 1, 0  # how far the source was read: to the end of a header
    while waiting:
        node = waiting.pop()
        parts = [part for name in _BODIES for part in getattr(node, name, [])]
        if isinstance(node, ast.match_case):  # knows no line of its own; its pattern may begin on a later one
            first = next(n for n, code in _from(lines, line, column) if code.strip(b" \t\f;\\"))
        else:
            first = min(part.lineno for part in (node, *getattr(node, "decorator_list", [])))
            line, column = node.lineno, node.col_offset
        line, column = max([(line, column), *_header_ends(node)]) if parts else (node.end_lineno, node.end_col_offset)
        if parts:  # the first colon behind the header's last expression is the header's own
            line, column = next((n, code.index(b":") + 1) for n, code in _from(lines, line, column) if b":" in code)
        spans.append((first, line, getattr(node, "end_lineno", 0) or parts[-1].end_lineno))
        waiting += reversed(parts)
    return spans


def _header_ends(node: ast.AST) -> Iterator[tuple[int, int]]:
    """Where each expression of a compound statement's header ends: line, column in bytes."""
    for name, value in ast.iter_fields(node):
        for part in value if isinstance(value, list) else [value]:
            if name in _BODIES or not isinstance(part, ast.AST):
                continue
            if hasattr(part, "end_lineno"):
                yield part.end_lineno, part.end_col_offset  # type: ignore[attr-defined]
            else:
                yield from _header_ends(part)  # such as `arguments`, which knows no place of its own


def _from(lines: list[bytes], line: int, column: int) -> Iterator[tuple[int, bytes]]:
    """(number, text without its comment) of each line from that place on; the first is blank up to the place."""
    for number in range(line, len(lines) + 1):
        text = lines[number - 1] if number > line else b" " * column + lines[number - 1][column:]
        yield number, text.split(b"#")[0]
