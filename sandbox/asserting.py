"""The tests of an `assert` problem: the program in one process, the trusted test code in another, a pipe between them.

As in the data sets' own evaluation, the tests of a program run one after the other in one process of it. Where that process
ends (a crash, a limit), the next test starts another.
"""

from __future__ import annotations

import select
import socket
from dataclasses import replace
from typing import Any

from sandbox import asserts, outcome
from sandbox.inside import wire
from sandbox.inside.wire import GONE, OUT_OF_MEMORY, RAISED
from sandbox.limits import Limits
from sandbox.session import JailError, Session
from sandbox.verdict import TestResult, Verdict

PATIENCE_S = 2.0  # for the test code itself, when the program has ended
FINISH_S = 1.0  # for a program that has hung up


class Checker:
    """The process that runs a problem's test code: for the problem's programs, one after the other."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._setup: dict[str, Any] | None = None
        self.desk = socket.socket()  # of no use until a problem comes

    def take(self, channel: socket.socket, setup: dict[str, Any]) -> None:
        """From here on the tests run against the program at the other end of this channel.

        setup: setup_code, entry_point and remote_names of the problem; another problem gets another process.
        """
        if setup != self._setup:
            if self._setup is not None:
                self._session.kill()
                self._session.end()
            self.desk.close()
            self.desk, theirs = socket.socketpair()
            with theirs:
                self._session.start(setup, [theirs.fileno()])
            self._setup = setup
        try:
            wire.send(self.desk, {"do": "take"}, [channel.fileno()])
        except OSError as error:
            raise JailError(f"the process of the test code has ended ({error})") from error

    def ask(self, test: asserts.AssertTest) -> None:
        """Starts the test."""
        try:
            wire.send(self.desk, {"do": "test", "code": test.code, "label": test.label})
        except OSError as error:
            raise JailError(f"the process of the test code has ended ({error})") from error

    def answer(self, within_s: float) -> dict[str, Any] | None:
        """How the test ended; None: it did not end."""
        try:
            if not select.select([self.desk], [], [], within_s)[0]:
                return None
            checked, _ = wire.receive(self.desk)
        except (EOFError, OSError, wire.WireError) as error:
            raise JailError(f"the process of the test code ended ({error})") from error
        return dict(checked)

    @property
    def closed(self) -> bool:
        return self.desk.fileno() < 0

    def close(self) -> None:
        """Ends the process."""
        self.desk.close()
        self._session.close()


def run_tests(
    session: Session, checker: Checker, job: dict[str, Any], tests: asserts.AssertTests, first: int, limits: Limits, stop: bool
) -> list[TestResult]:
    """Tests from number `first` on, as many as one process of the program takes. stop: none after one that fails.

    A checker that did not answer in time is closed.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        session.files.reset()
        session.start(fds=[theirs.fileno()])
        setup = {"setup": job["setup"], "entry_point": job["entry_point"], "remote_names": list(tests.remote_names)}
        checker.take(ours, setup)
    results: list[TestResult] = []
    for index in range(first, len(tests.tests)):
        result, alive = _one(session, checker, tests.tests[index], index, limits)
        results.append(result)
        if not alive:
            return results
        if stop and result.verdict is not Verdict.PASS:
            break
        session.files.reset()
    session.kill()
    run = session.end()
    return [replace(result, memory_mib=run.memory_mib if run else 0.0) for result in results]


def _one(session: Session, checker: Checker, test: asserts.AssertTest, index: int, limits: Limits) -> tuple[TestResult, bool]:
    """One test's result, and whether the program's process lives on."""
    checker.ask(test)
    run = session.end(until=checker.desk)
    checked = checker.answer(PATIENCE_S)
    if checked is None:
        checker.close()
    if run is None:
        gone = checked is not None and checked["outcome"] == GONE
        run = session.end(within_s=FINISH_S) if gone else session.mark()
    assert run is not None  # it was asked without `until`
    alive = run.status is None
    output = session.files.read(1, limits.output_bytes)
    verdict, message = outcome.of_process(run, session.files, alive or session.compiled, limits)
    if checked is None:
        verdict, message = Verdict.TIME_LIMIT, "the test code did not end"
    elif verdict is None:
        verdict, message = outcome.of_check(checked), str(checked["message"])[: outcome.HEAD_BYTES]
        if alive and checked["outcome"] == RAISED and session.files.flag() == OUT_OF_MEMORY:
            verdict = Verdict.MEMORY_LIMIT
    return outcome.measured(index, run, verdict, output, message, session.files.lines()), alive
