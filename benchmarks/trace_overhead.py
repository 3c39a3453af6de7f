"""What does a line trace cost? CPU seconds of contest programs, traced by the sandbox's tracer over not traced.

    python -m benchmarks.trace_overhead                          this interpreter
    python -m benchmarks.trace_overhead --python EXE --python …  others, which need no packages

Each program runs in a process of its own, without a jail, each way in turn and so several times; a ratio is one of medians.
For comparison: plain `sys.settrace`, and SlipCover and coverage.py where the interpreter has them. `ready_ms` is the time to
make a program ready, for the tracer `prepare` and `start`. Ends with one line of JSON: the geometric means of the ratios.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from mmap import mmap
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from benchmarks.parts.contest_programs import PROGRAMS
from sandbox.inside import tracer

NOTHING, TRACER, SETTRACE, SLIPCOVER, COVERAGE = WAYS = ("nothing", "tracer", "settrace", "slipcover", "coverage")
ROOT = Path(__file__).resolve().parents[1]


def run_one(name: str, way: str) -> dict[str, Any]:
    """Runs one program here; CPU seconds of the program, milliseconds to make it ready, number of lines seen, its output."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.py"  # coverage.py wants to see the file
        file.write_text(PROGRAMS[name])
        code = compile(PROGRAMS[name], str(file), "exec", dont_inherit=True)
        seen = mmap(-1, PROGRAMS[name].count("\n") + 2)
        if way == TRACER:
            tracer.prepare(compile("pass", "warm", "exec"))  # the interpreter's check, once in a worker's life
        started = time.perf_counter()
        code, lines = make_ready(code, file, way, seen)
        ready_s = time.perf_counter() - started
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            started = time.process_time()
            exec(code, {"__name__": "__main__"})  # noqa: S102  # our own
            cpu_s = time.process_time() - started
        sys.settrace(None)
        return {"cpu_s": cpu_s, "ready_ms": 1000 * ready_s, "lines": lines(), "output": output.getvalue()}


def make_ready(code: CodeType, file: Path, way: str, seen: mmap) -> tuple[CodeType, Callable[[], int]]:
    """The code to be run one way, and what counts the lines seen afterwards."""

    def marked() -> int:
        return sum(seen[:])

    if way == TRACER:
        return tracer.start(tracer.prepare(code), seen), marked
    if way == SETTRACE:
        settrace(str(file), seen)
        return code, marked
    if way == SLIPCOVER:
        import slipcover  # type: ignore[import-not-found, unused-ignore]

        cover = slipcover.Slipcover()
        return cover.instrument(code), lambda: len(cover.get_coverage()["files"][str(file)]["executed_lines"])
    if way == COVERAGE:
        import coverage  # type: ignore[import-not-found, unused-ignore]

        measured = coverage.Coverage(data_file=None, include=[str(file)])
        measured.start()

        def count() -> int:
            measured.stop()
            return len(measured.get_data().lines(str(file)) or [])

        return code, count
    return code, marked


def settrace(filename: str, seen: mmap) -> None:
    """The plain way: every line of the program's own code calls a Python function."""

    def local(frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            seen[frame.f_lineno] = 1
        return local

    def enter(frame: FrameType, _event: str, _arg: Any) -> Any:
        return local if frame.f_code.co_filename == filename else None

    sys.settrace(enter)


def ask(python: str, *args: str) -> Any:
    """One line of JSON from this file, run by another interpreter."""
    command = [python, "-m", "benchmarks.trace_overhead", *args]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, env={**os.environ, "PYTHONHASHSEED": "0"})
    return json.loads(done.stdout)


def measure(python: str, repeats: int, only: list[str], wanted: list[str]) -> dict[str, Any]:
    """The ratios of one interpreter, printed as a table; their geometric means."""
    about = ask(python, "--about")
    ways = [way for way in about["ways"] if way in wanted]
    print(f"Python {about['version']}, median of {repeats}: CPU seconds untraced, ratios, ms until ready", flush=True)
    print(f"{'program':14}{'cpu_s':>8}" + "".join(f"{way:>11}" for way in ways) + f"{'ready_ms':>11}{'lines':>7}")
    ratios: dict[str, list[float]] = {way: [] for way in ways}
    for name in only:
        runs: dict[str, list[dict[str, Any]]] = {way: [] for way in (NOTHING, *ways)}
        for _ in range(repeats):
            for way in runs:
                runs[way].append(ask(python, "--run", name, way))
        outputs = {run["output"] for each in runs.values() for run in each}
        if len(outputs) != 1:
            raise RuntimeError(f"{name} does not print the same thing every way: {outputs}")
        cpu_s = {way: statistics.median(run["cpu_s"] for run in each) for way, each in runs.items()}
        ready_ms = statistics.median(run["ready_ms"] for run in runs[ways[0]])
        for way in ways:
            ratios[way].append(cpu_s[way] / cpu_s[NOTHING])
        row = "".join(f"{ratios[way][-1]:11.2f}" for way in ways)
        print(f"{name:14}{cpu_s[NOTHING]:8.2f}{row}{ready_ms:11.2f}{runs[ways[0]][0]['lines']:7d}", flush=True)
    means = {way: round(math.exp(statistics.fmean(map(math.log, values))), 3) for way, values in ratios.items()}
    print(f"{'geometric mean':22}" + "".join(f"{means[way]:11.2f}" for way in ways))
    return {"python": about["version"], "programs": len(only), "repeats": repeats, "ratios": means}


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", action="append", metavar="EXE", help="an interpreter; may be given several times")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each program each way (default 5)")
    parser.add_argument("--only", nargs="+", choices=PROGRAMS, default=list(PROGRAMS), metavar="NAME", help="some programs")
    parser.add_argument("--ways", nargs="+", choices=WAYS[1:], default=WAYS[1:], metavar="WAY", help="some of the columns")
    parser.add_argument("--run", nargs=2, metavar=("NAME", "WAY"), help=argparse.SUPPRESS)
    parser.add_argument("--about", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.about:
        ways = [way for way in WAYS if way in WAYS[:3] or importlib.util.find_spec(way)]
        print(json.dumps({"version": sys.version.split()[0], "ways": ways}))
    elif args.run:
        print(json.dumps(run_one(*args.run)))
    else:
        results = [measure(python, args.repeats, args.only, args.ways) for python in args.python or [sys.executable]]
        print(json.dumps(results))


if __name__ == "__main__":
    main()
