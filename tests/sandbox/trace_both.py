"""Runs programs twice, under the sandbox's tracer and under `sys.settrace`, and tells what each saw. Standard library alone.

    python -m tests.sandbox.trace_both [SECONDS A PROGRAM]     JSON lines in and out

A row is name, source, stdin, driver, module (its name). `driver` is code that is run behind the program in its namespace,
untraced. It is run twice: the lines of the program and the first run are one set (`lines`), those of the second, after
`restart`, another (`again`). Each run has a process of its own.
"""

from __future__ import annotations

import io
import json
import marshal
import os
import resource
import subprocess
import sys
import threading
import traceback
from functools import cache
from mmap import mmap
from pathlib import Path
from typing import Any

from sandbox.inside import tracer

Row = dict[str, Any]


def lines_of(seen: mmap) -> list[int]:
    return [line for line, byte in enumerate(seen[:]) if byte]


def reference(seen: mmap) -> None:
    """Every line event of the program's own code, as plainly as `sys.settrace` gives it."""

    def local(frame: Any, event: str, _arg: Any) -> Any:
        if event == "line" and 0 < frame.f_lineno < len(seen):
            seen[frame.f_lineno] = 1
        return local

    def enter(frame: Any, _event: str, _arg: Any) -> Any:
        return local if frame.f_code.co_filename == "program.py" else None

    threading.settrace(enter)
    sys.settrace(enter)


def run(row: Row, traced: str) -> Row:
    """What one run gave: lines, again, stdout, error (type, text and the program's line numbers of the traceback)."""
    output = io.StringIO()
    sys.stdin, sys.stdout, sys.stderr = io.TextIOWrapper(io.BytesIO(row.get("stdin", "").encode())), output, io.StringIO()
    sys.setrecursionlimit(1000)
    code = compile(row["source"], "program.py", "exec", dont_inherit=True)
    driver = compile(row.get("driver", ""), "driver.py", "exec", dont_inherit=True)
    seen = mmap(-1, row["source"].count("\n") + 2)
    names: dict[str, Any] = {"__name__": row.get("module", "__main__")}
    again, error = None, ""
    if traced == "tracer":
        ready = tracer.prepare(code)
        code = tracer.start(marshal.loads(marshal.dumps(ready)) if ready is not code else code, seen)
    elif traced == "settrace":
        reference(seen)
    try:
        exec(code, names)
        exec(driver, names)
        if row.get("driver"):
            lines, seen[:] = lines_of(seen), bytes(len(seen))
            tracer.restart()
            exec(driver, names)
            again = lines_of(seen)
    except BaseException as raised:
        frames = traceback.extract_tb(raised.__traceback__)
        error = f"{type(raised).__name__}: {raised} {[frame.lineno for frame in frames if frame.filename == 'program.py']}"
    sys.settrace(None)
    if again is None:
        lines = lines_of(seen)
    return {"lines": lines, "again": again, "stdout": output.getvalue(), "error": error}


@cache
def _light() -> subprocess.Popen[str]:
    """A process without the threads and the gigabytes of a test session, which does not fork well."""
    command = [sys.executable, "-m", "tests.sandbox.trace_both", "--ask"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])


def in_child(row: Row, traced: str, seconds: int) -> Row | None:
    """`run` in a process of its own; None where it was killed or did not end in time."""
    asked = _light()
    assert asked.stdin
    assert asked.stdout
    print(json.dumps([row, traced, seconds]), file=asked.stdin, flush=True)
    answer: Row | None = json.loads(asked.stdout.readline())
    return answer


def forked(row: Row, traced: str, seconds: int) -> Row | None:
    """`run` in a forked process; None where it was killed or did not end in time."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, 64 << 20))
        result = run(row, traced)
        with open(writer, "w") as file:
            json.dump(result, file)
        os._exit(0)
    os.close(writer)
    with open(reader) as file:
        text = file.read()
    os.waitpid(child, 0)
    return json.loads(text) if text else None


def main() -> None:
    if sys.argv[1:] == ["--ask"]:
        for line in sys.stdin:
            print(json.dumps(forked(*json.loads(line))), flush=True)
        return
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    for line in sys.stdin:
        row = json.loads(line)
        ways = {way: forked(row, way, seconds) for way in ("tracer", "settrace", "nothing")}
        print(json.dumps({"name": row["name"], **ways}), flush=True)


if __name__ == "__main__":
    main()
