"""Judges one program: a jail of its own, a process per test, and the comparison out here.

Two laws. Untrusted code never makes its own verdict: expected outputs and comparisons stay outside the interpreter that
runs the program; exit status, time and memory are measured outside it. And a judge's failure is not a program's failure:
a `JailError` is retried in a fresh jail, then becomes the verdict `judge_error`.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from sandbox import asserts, outcome
from sandbox.compare import lines_equal
from sandbox.inside import wire
from sandbox.interpreter import Interpreter, NotFoundError, find_nsjail, find_packages, interpreters
from sandbox.jail import Jail, JailError
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.verdict import ProgramResult, TestResult, Verdict, overall

ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Where a judge finds its parts, and what it grants a program."""

    limits: Limits
    nsjail: str = ""  # path; empty: found on this machine
    python: str = "own"  # own: of the version that runs stepbatch; auto: the newest that runs in a jail here; or a path
    trace: bool = True
    packages: str = "numpy,sortedcontainers"  # that programs may import, where they are installed


class Judge:
    """Judges programs one after the other. A context manager; one to a process."""

    def __init__(self, options: JudgeOptions) -> None:
        """Finds nsjail and an interpreter that runs in a jail here; JailError or NotFoundError say what is missing."""
        sys.set_int_max_str_digits(0)  # answers may hold integers of any length
        self._limits, self._trace = options.limits, options.trace
        patience = options.limits.wall_s + 2  # the program's own limits must strike first
        self._checker_limits = Limits(cpu_s=patience, wall_s=patience, memory_mib=2048)
        self.nsjail = find_nsjail(options.nsjail)
        self.interpreter = self._usable(options.python)
        self.packages = find_packages(self.interpreter, options.packages)
        self._checker: Jail | None = None

    def _usable(self, configured: str) -> Interpreter:
        refused = []
        for interpreter in interpreters(configured):
            try:
                Jail(self.nsjail, interpreter, (), self._limits).close()
                return interpreter
            except JailError as error:
                refused.append(f"{interpreter.executable}: {error}")
        hint = f"tried for {configured!r}; `auto` takes any CPython from 3.11 on, a path names one"
        raise NotFoundError("\n".join([f"no CPython runs in a jail here ({hint})", *refused]))

    def judge(self, problem: Problem, program: Program) -> ProgramResult:
        """Every test of the problem. Raises ValueError only for a broken problem, never because of a program."""
        tests = asserts.split(problem) if problem.mode == "assert" else None
        failure = ""
        for _ in range(ATTEMPTS):
            try:
                results = tuple(self._run_tests(problem, program, tests))
                return ProgramResult(overall(results), results)
            except JailError as error:
                failure = str(error)
                self.close()
        return ProgramResult(
            Verdict.JUDGE_ERROR,
            tuple(TestResult(i, Verdict.JUDGE_ERROR, message=failure) for i in range(_count(problem, tests))),
        )

    def _run_tests(self, problem: Problem, program: Program, tests: asserts.AssertTests | None) -> Iterator[TestResult]:
        job = {
            "do": "program",
            "mode": problem.mode,
            "source": program.program,
            "setup": problem.setup_code,
            "entry_point": problem.entry_point,
            "limits": asdict(self._limits),
        }
        run = self._test_runner(problem, job, tests)
        jail = self._jail(job)
        try:
            refusal = self._compile(jail)
            for index in range(_count(problem, tests)):
                if refusal is not None:
                    yield replace(refusal, test=index)
                    continue
                result, dirty = run(jail, index, self._trace)
                if dirty:  # the next run must find an empty /tmp
                    jail.close()
                    jail = self._jail(job)
                if result.verdict is Verdict.TIME_LIMIT and self._trace and self.interpreter.version < (3, 12):
                    # Tracing is slow before 3.12 (PEP 669), and a verdict must not depend on it.
                    lines = result.executed_lines
                    result, dirty = run(jail, index, False)
                    result = replace(result, executed_lines=lines)
                yield result
        finally:
            jail.close()

    def _jail(self, job: dict[str, Any]) -> Jail:
        jail = Jail(self.nsjail, self.interpreter, self.packages, self._limits)
        jail.ask(job)
        return jail

    def _compile(self, jail: Jail) -> TestResult | None:
        """None where the interpreter takes the source. Compiled in the jail: that alone can take all memory."""
        with _files(3) as files:
            jail.ask({"do": "compile"}, files)
            report = jail.report()
            if report["status"] == 0:
                return None
            reason = _read(files[2], outcome.HEAD_BYTES).decode("utf-8", "replace") or "the interpreter died while compiling"
            verdict = Verdict.TIME_LIMIT if report["wall_out"] or report["cpu_out"] else Verdict.COMPILE_ERROR
            return outcome.measured(0, report, verdict, b"", reason)

    def _test_runner(
        self, problem: Problem, job: dict[str, Any], tests: asserts.AssertTests | None
    ) -> Callable[[Jail, int, bool], tuple[TestResult, bool]]:
        """run(jail, test's number, trace) → (result, whether the program left something in /tmp)."""
        if problem.mode == "stdin":
            return lambda jail, i, trace: self._stdin(jail, i, trace, problem)
        if problem.mode == "call":
            return lambda jail, i, trace: self._call(jail, i, trace, problem)
        assert tests is not None
        checks = job | {
            "mode": "check",
            "source": "",
            "remote_names": tests.remote_names,
            "limits": asdict(self._checker_limits),
        }
        return lambda jail, i, trace: self._assert(jail, i, trace, checks, tests.tests[i])

    def _stdin(self, jail: Jail, index: int, trace: bool, problem: Problem) -> tuple[TestResult, bool]:
        with _files(3) as files:
            _fill(files[0], problem.inputs[index].encode("utf-8", "surrogateescape"))
            jail.ask({"do": "test", "trace": trace}, files)
            report = jail.report()
            output = _read(files[1], self._limits.output_bytes)
            verdict, message = self._ended(report, files)
            if verdict is None:
                right = lines_equal(output, problem.outputs[index])
                verdict, message = (Verdict.PASS, "") if right else (Verdict.WRONG_ANSWER, "output differs")
        return outcome.measured(index, report, verdict, output, message), report["dirty"]

    def _call(self, jail: Jail, index: int, trace: bool, problem: Problem) -> tuple[TestResult, bool]:
        with _files(4) as files:
            jail.ask({"do": "test", "trace": trace, "args": wire.to_tree(problem.inputs[index])}, files)
            report = jail.report()
            answer = _read(files[3], self._limits.output_bytes)
            verdict, message = self._ended(report, files)
            if verdict is None:
                verdict, message = outcome.of_value(answer, problem.outputs[index], problem.compare)
        return outcome.measured(index, report, verdict, answer, message), report["dirty"]

    def _assert(
        self, jail: Jail, index: int, trace: bool, checks: dict[str, Any], test: asserts.AssertTest
    ) -> tuple[TestResult, bool]:
        """The program in its jail serves calls; the test code in the checker's jail makes them, over a pipe of their own."""
        if self._checker is None:
            self._checker = Jail(self.nsjail, self.interpreter, self.packages, self._checker_limits)
        ours, theirs = socket.socketpair()
        with _files(3) as files, _files(3) as checker_files:
            with ours, theirs:
                jail.ask({"do": "test", "trace": trace}, [*files, theirs.fileno()])
                self._checker.ask(checks)
                self._checker.ask(
                    {"do": "test", "trace": False, "code": test.code, "label": test.label}, [*checker_files, ours.fileno()]
                )
            checked = self._checker.report()
            report = jail.report()
            output = _read(files[1], self._limits.output_bytes)
            verdict, message = self._ended(report, files)
            if verdict is None:
                verdict = outcome.of_check(checked)
                message = _read(checker_files[2], outcome.HEAD_BYTES).decode("utf-8", "replace")
        if checked["dirty"]:
            self.close()
        return outcome.measured(index, report, verdict, output, message), report["dirty"]

    def _ended(self, report: dict[str, Any], files: list[int]) -> tuple[Verdict | None, str]:
        largest = max(os.fstat(fd).st_size for fd in files[1:])
        return outcome.of_process(report, _read(files[2], 1 << 20), largest, self._limits)

    def close(self) -> None:
        """Ends the checker's jail; it starts again when it is needed."""
        if self._checker is not None:
            self._checker.close()
            self._checker = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _count(problem: Problem, tests: asserts.AssertTests | None) -> int:
    return len(tests.tests) if tests is not None else len(problem.inputs)


@contextmanager
def _files(count: int) -> Iterator[list[int]]:
    """Memory files for a test's descriptors, read only when every process of the test is dead."""
    fds = [os.memfd_create(f"test-{i}") for i in range(count)]
    try:
        yield fds
    finally:
        for fd in fds:
            os.close(fd)


def _fill(fd: int, data: bytes) -> None:
    written = 0
    while written < len(data):
        written += os.pwrite(fd, data[written:], written)


def _read(fd: int, limit: int) -> bytes:
    return os.pread(fd, min(limit, os.fstat(fd).st_size), 0)
