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

PATIENCE_S = 2.0  # for the test code itself, beyond the program's wall limit


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
                self._session.ask({"do": "kill"})
                self._session.report()
                self._session.files.reset()
            self.desk.close()
            self.desk, theirs = socket.socketpair()
            with theirs:
                self._session.ask({"do": "test"} | setup, [theirs.fileno()])
            self._setup = setup
        try:
            wire.send(self.desk, {"do": "take"}, [channel.fileno()])
        except OSError as error:
            raise JailError(f"the process of the test code has ended ({error})") from error

    def ask(self, test: asserts.AssertTest, timeout_s: float) -> dict[str, Any] | None:
        """How the test ended; None: it did not end."""
        try:
            wire.send(self.desk, {"do": "test", "code": test.code, "label": test.label})
            if not select.select([self.desk], [], [], timeout_s)[0]:
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
        session.ask({"do": "test"}, [theirs.fileno()])
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
    session.ask({"do": "kill"})
    report = session.report()
    return [replace(result, memory_mib=report["memory_mib"]) for result in results]


def _one(session: Session, checker: Checker, test: asserts.AssertTest, index: int, limits: Limits) -> tuple[TestResult, bool]:
    """One test's result, and whether the program's process lives on."""
    checked = checker.ask(test, limits.wall_s + PATIENCE_S)
    if checked is None:
        checker.close()
    gone = checked is not None and checked["outcome"] == GONE
    session.ask({"do": "kill" if checked is None else "finish" if gone else "mark"})
    report = session.report()
    alive = "status" not in report
    if alive:
        report |= {"status": 0, "wall_out": False, "cpu_out": False, "memory_mib": 0.0, "compiled": True}
    output = session.files.read(1, limits.output_bytes)
    verdict, message = outcome.of_process(report, session.files.read(2, 1 << 20), session.files.largest(), limits)
    if checked is None:
        verdict, message = Verdict.TIME_LIMIT, "the test code did not end"
    elif verdict is None:
        verdict, message = outcome.of_check(checked), str(checked["message"])[: outcome.HEAD_BYTES]
        if alive and checked["outcome"] == RAISED and report["flag"] == OUT_OF_MEMORY:
            verdict = Verdict.MEMORY_LIMIT
    return outcome.measured(index, report, verdict, output, message), alive
