"""Which lines ran: a byte a line in memory shared with the warden, so that it outlives a kill.

A program can forge its trace from inside: it is evidence for a mask (FGO), never for a reward.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any


def prepare(code: CodeType) -> CodeType:
    return code


def restart() -> None:
    if sys.version_info >= (3, 12):
        sys.monitoring.restart_events()


def statement_spans(source: bytes) -> list[tuple[int, int, int]]:
    import ast

    return [(n.lineno, n.lineno, n.end_lineno or n.lineno) for n in ast.walk(ast.parse(source)) if isinstance(n, ast.stmt)]


def start(code: CodeType, seen: memoryview) -> CodeType:
    """Marks `seen[line - 1] = 1` for every line of `code` (and of what is defined in it) that runs from now on."""
    if sys.version_info >= (3, 12):
        _monitor(code, seen)
    else:
        _settrace(code.co_filename, seen)
    return code


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _codes(constant)


def _monitor(code: CodeType, seen: memoryview) -> None:
    """PEP 669: each line's event is switched off once it was seen, so that a loop costs nothing."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]  # not known to 3.11
    tool, size, off = monitoring.COVERAGE_ID, len(seen), monitoring.DISABLE

    def line_event(_code: CodeType, line: int) -> Any:
        if 0 < line <= size:
            seen[line - 1] = 1
        return off

    monitoring.use_tool_id(tool, "stepbatch")
    monitoring.register_callback(tool, monitoring.events.LINE, line_event)
    for part in _codes(code):
        monitoring.set_local_events(tool, part, monitoring.events.LINE)


def _settrace(filename: str, seen: memoryview) -> None:
    """Before 3.12. A code object whose every line was seen is not traced when it is called again."""
    size = len(seen)
    missing: dict[CodeType, set[int]] = {}

    def local(frame: FrameType, event: str, _arg: Any) -> Callable[..., Any] | None:
        if event == "line":
            line = frame.f_lineno
            if 0 < line <= size:
                seen[line - 1] = 1
                missing[frame.f_code].discard(line)
        return local

    def enter(frame: FrameType, _event: str, _arg: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        if code.co_filename != filename:
            return None
        left = missing.get(code)
        if left is None:
            left = missing[code] = {line for _, _, line in code.co_lines() if line} - {code.co_firstlineno}
        return local if left or code.co_name == "<module>" else None

    threading.settrace(enter)
    sys.settrace(enter)
