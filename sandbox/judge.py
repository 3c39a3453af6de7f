"""Judges one program: a session of its own in the jail, a process per test, and the comparison out here.

Two laws. Untrusted code never makes its own verdict: expected outputs and comparisons stay outside the interpreter that
runs the program; exit status, time and memory are measured outside it. And a judge's failure is not a program's failure:
a `JailError` is retried in a fresh jail, then becomes the verdict `judge_error`.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from sandbox import asserting, asserts, outcome
from sandbox.compare import output_equal
from sandbox.inside import runner, wire
from sandbox.interpreter import Interpreter, NotFoundError, find_nsjail, find_packages, interpreters
from sandbox.jail import Jail
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.session import JailError, Run, Session
from sandbox.verdict import ProgramResult, Span, TestResult, Verdict, overall

log = logging.getLogger(__name__)

ATTEMPTS = 3
# What killing and comparing take at most. With these, its tests' wall limits are the time that a program holds a judge for, and
# twice that time where doubtful tests are judged again; waits for a core and a jail's failures come on top.
TEST_OVERHEAD_S, PROGRAM_OVERHEAD_S = 2.0, 5.0
MOST_CHARACTERS = 1 << 20  # of a program: more may not fit into /tmp or a message, and would be the judge's failure
CHECKER_LIMITS = Limits(cpu_s=1e6, wall_s=1e6, memory_mib=2048)  # test code is trusted; its patience is counted out here


@dataclass(frozen=True, slots=True)
class JudgeOptions:
    """Where a judge finds its parts, and what it grants a program."""

    limits: Limits
    nsjail: str = ""  # path; empty: found on this machine
    python: str = "own"  # own: of the version that runs stepbatch; auto: the newest that runs in a jail here; or a path
    trace: bool = True
    packages: str = "numpy,sortedcontainers"  # that programs may import, where they are installed
    stop_at_first_failure: bool = False  # the tests after it are not run: enough for pass@k, not for pass rates


class Judge:
    """Judges programs one after the other. A context manager; one to a process."""

    def __init__(self, options: JudgeOptions) -> None:
        """Finds nsjail and an interpreter that runs in a jail here; JailError or NotFoundError say what is missing."""
        sys.set_int_max_str_digits(0)  # answers may hold integers of any length
        most_output = runner.allowed(resource.RLIMIT_FSIZE, options.limits.output_bytes)
        self._options, self._limits = options, replace(options.limits, output_bytes=most_output)
        self._limits_sent = asdict(self._limits)
        self._jail: Jail | None = None
        self._checker: asserting.Checker | None = None
        self.nsjail = find_nsjail(options.nsjail)
        self.interpreter = self._usable(options.python)
        self.packages = find_packages(self.interpreter, options.packages)

    def _usable(self, configured: str) -> Interpreter:
        refused = []
        for interpreter in interpreters(configured):
            try:
                with Jail(self.nsjail, interpreter, (), self._limits) as jail:
                    self.nests = jail.nests
                return interpreter
            except JailError as error:
                refused.append(f"{interpreter.executable}: {error}")
        hint = f"tried for {configured!r}; `auto` takes any CPython from 3.11 on, a path names one"
        raise NotFoundError("\n".join([f"no CPython runs in a jail here ({hint})", *refused]))

    @property
    def jail_kind(self) -> str:
        """In words, what a program has to itself."""
        if self.nests:
            return "one jail a worker; fresh pid and mount namespaces a program"
        return "one jail a program (this node refuses namespaces inside a jail), which is slower"

    def judge(self, problem: Problem, program: Program) -> ProgramResult:
        """Every test of the problem. Raises ValueError only for a broken problem, never because of a program."""
        tests = asserts.split(problem) if problem.mode == "assert" else None
        count = len(tests.tests) if tests is not None else len(problem.inputs)
        if len(program.program) > MOST_CHARACTERS:
            words = f"a program of {len(program.program)} characters, over the limit of {MOST_CHARACTERS}"
            refused = tuple(TestResult(i, Verdict.COMPILE_ERROR, message=words) for i in range(count))
            return ProgramResult(Verdict.COMPILE_ERROR, refused, count)
        failure, result, started = "", None, time.monotonic()
        for _ in range(ATTEMPTS):
            try:
                result = (
                    self._judged(problem, program, tests, count)
                    if result is None
                    else self._again(problem, program, tests, result)
                )
            except JailError as error:
                failure, result = str(error), None
                log.warning("problem %s, sample %d is judged again: %s", problem.problem_id, program.sample, failure)
                self.close()
            except BaseException:
                self.close()  # a jail that was left in the middle of a test is of no more use
                raise
            else:
                if not self._time_for_doubts(result, time.monotonic() - started):
                    break
        if result is not None:
            return result
        failed = tuple(TestResult(i, Verdict.JUDGE_ERROR, message=failure) for i in range(count))
        return ProgramResult(Verdict.JUDGE_ERROR, failed, count)

    def _judged(self, problem: Problem, program: Program, tests: asserts.AssertTests | None, count: int) -> ProgramResult:
        job: dict[str, Any] = {
            "mode": problem.mode,
            "source": program.program,
            "setup": problem.setup_code,
            "entry_point": problem.entry_point,
            "limits": self._limits_sent,
            "trace": self._options.trace,
            "tests": count,
        }
        results: list[TestResult] = []
        statements: list[Span] = []
        with closing(self._results(problem, job, tests, statements)) as run:
            for result in run:
                results.append(result)
                if self._options.stop_at_first_failure and result.verdict is not Verdict.PASS:
                    break
        return ProgramResult(overall(tuple(results)), tuple(results), count, tuple(statements))

    def _again(
        self, problem: Problem, program: Program, tests: asserts.AssertTests | None, result: ProgramResult
    ) -> ProgramResult:
        """The result with its doubtful tests judged again, and no others: a program must not buy a whole run with a signal."""
        again = _doubtful(result)
        if tests is not None:
            tests = replace(tests, tests=tuple(tests.tests[i] for i in again))
        else:
            problem = replace(
                problem, inputs=tuple(problem.inputs[i] for i in again), outputs=tuple(problem.outputs[i] for i in again)
            )
        part = self._judged(problem, program, tests, len(again))
        kept = [test for test in result.tests if test.test not in again]
        merged = sorted([*kept, *(replace(test, test=again[test.test]) for test in part.tests)], key=lambda test: test.test)
        statements = result.statements or part.statements
        return ProgramResult(overall(tuple(merged)), tuple(merged), result.tests_total, statements)

    def _time_for_doubts(self, result: ProgramResult, spent_s: float) -> bool:
        """Whether there are doubtful tests, and time within the program's limits for what they did; they may take longer now."""
        doubtful, most_s = _doubtful(result), self._limits.wall_s + TEST_OVERHEAD_S
        again_s = sum(result.tests[i].wall_s if i < len(result.tests) else most_s for i in doubtful)
        return bool(doubtful) and spent_s + again_s <= result.tests_total * most_s + PROGRAM_OVERHEAD_S

    def _results(
        self, problem: Problem, job: dict[str, Any], tests: asserts.AssertTests | None, statements: list[Span]
    ) -> Generator[TestResult]:
        """The results in order, from as many sessions as it takes; fills `statements` with what the first one told."""
        done, patient = 0, True
        while done < job["tests"]:
            with self._session(job) as session:
                session.patient = patient
                for result in self._in_session(session, problem, job, tests, done):
                    statements += session.statements if not statements else []
                    yield result
                    done += 1
                patient = session.patient

    def _in_session(
        self, session: Session, problem: Problem, job: dict[str, Any], tests: asserts.AssertTests | None, first: int
    ) -> Iterator[TestResult]:
        """Results from test `first` on, until all are there, or the session has something left in it that it cannot clean."""
        while first < job["tests"] and not session.dirty:
            if tests is not None:
                batch = self._assert(session, job, tests, first)
            else:
                batch = [(self._stdin if problem.mode == "stdin" else self._call)(session, first, problem)]
            yield from batch
            first += len(batch)
            if not session.compiled:
                yield from (replace(batch[-1], test=i) for i in range(first, job["tests"]))
                return

    def _stdin(self, session: Session, index: int, problem: Problem) -> TestResult:
        session.files.reset(problem.inputs[index].encode("utf-8", "surrogateescape"))
        session.start()
        run, verdict, message = self._ended(session)
        output = session.files.read(1, self._limits.output_bytes)
        if verdict is None:
            right = output_equal(output, problem.outputs[index], problem.compare, problem.tolerance)
            verdict, message = (Verdict.PASS, "") if right else (Verdict.WRONG_ANSWER, "output differs")
        return outcome.measured(index, run, verdict, output, message, session.files.lines())

    def _call(self, session: Session, index: int, problem: Problem) -> TestResult:
        session.files.reset()
        session.start(wire.to_tree(problem.inputs[index]))
        run, verdict, message = self._ended(session)
        answer = session.files.read(3, self._limits.output_bytes)
        if verdict is None:
            verdict, message = outcome.of_value(answer, problem.outputs[index], problem.compare, problem.tolerance)
        return outcome.measured(index, run, verdict, answer, message, session.files.lines())

    def _ended(self, session: Session) -> tuple[Run, Verdict | None, str]:
        run = session.end()
        assert run is not None  # asked without `until`
        return run, *outcome.of_process(run, session.files, session.compiled, self._limits)

    def _assert(self, session: Session, job: dict[str, Any], tests: asserts.AssertTests, first: int) -> list[TestResult]:
        if self._checker is None or self._checker.closed:
            memory_mib = runner.allowed(resource.RLIMIT_AS, CHECKER_LIMITS.memory_mib << 20) >> 20
            limits = asdict(replace(CHECKER_LIMITS, memory_mib=memory_mib))
            opening = {"mode": "check", "source": "", "limits": limits, "trace": False}
            self._checker = asserting.Checker(self._opened(opening, 3))
        stop = self._options.stop_at_first_failure
        return asserting.run_tests(session, self._checker, job, tests, first, self._limits, stop)

    def _session(self, job: dict[str, Any]) -> Session:
        return self._opened(job, 4 if job["mode"] == "call" else 3)

    def _opened(self, job: dict[str, Any], files: int) -> Session:
        """A session in the worker's jail; on a node that refuses namespaces inside a jail, in a jail of its own."""
        if not self.nests:
            return Jail(self.nsjail, self.interpreter, self.packages, self._limits).session(job, files, alone=True)
        if self._jail is None:
            self._jail = Jail(self.nsjail, self.interpreter, self.packages, self._limits)
        return self._jail.session(job, files)

    def close(self) -> None:
        """Ends the jail; it starts again when it is needed."""
        for part in (self._checker, self._jail):
            if part is not None:
                part.close()
        self._checker = self._jail = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _doubtful(result: ProgramResult) -> list[int]:
    """Tests that a signal from outside may have ended, and those that were not run for it."""
    ended = [test.test for test in result.tests if outcome.perhaps_killed_from_outside(test)]
    return [*ended, *range(len(result.tests), result.tests_total)] if ended else []
