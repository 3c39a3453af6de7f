"""Which lines ran: a byte a line in memory shared with the warden, so that it outlives a kill.

A program can forge its trace from inside: it is evidence for a mask (FGO), never for a reward.
"""

import sys
import threading


def start(code, seen):
    """Marks `seen[line - 1] = 1` for every line of `code` (and of what is defined in it) that runs from now on."""
    if sys.version_info >= (3, 12):
        _monitor(code, seen)
    else:
        _settrace(code.co_filename, seen)


def _codes(code):
    yield code
    for constant in code.co_consts:
        if isinstance(constant, type(code)):
            yield from _codes(constant)


def _monitor(code, seen):
    """PEP 669: each line's event is switched off once it was seen, so that a loop costs nothing."""
    monitoring = sys.monitoring
    tool, size, off = monitoring.COVERAGE_ID, len(seen), monitoring.DISABLE

    def line_event(_code, line):
        if 0 < line <= size:
            seen[line - 1] = 1
        return off

    monitoring.use_tool_id(tool, "stepbatch")
    monitoring.register_callback(tool, monitoring.events.LINE, line_event)
    for part in _codes(code):
        monitoring.set_local_events(tool, part, monitoring.events.LINE)


def _settrace(filename, seen):
    """Before 3.12. A code object whose every line was seen is not traced when it is called again."""
    size, missing = len(seen), {}

    def local(frame, event, _arg):
        if event == "line":
            line = frame.f_lineno
            if 0 < line <= size:
                seen[line - 1] = 1
                missing[frame.f_code].discard(line)
        return local

    def enter(frame, _event, _arg):
        code = frame.f_code
        if code.co_filename != filename:
            return None
        left = missing.get(code)
        if left is None:
            left = missing[code] = {line for _, _, line in code.co_lines() if line} - {code.co_firstlineno}
        return local if left or code.co_name == "<module>" else None

    threading.settrace(enter)
    sys.settrace(enter)
