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
from sandbox.inside.wire import OUT_OF_MEMORY, RAISED
from sandbox.limits import Limits
from sandbox.session import JailError, Session
from sandbox.verdict import TestResult, Verdict

PATIENCE_S = 2.0  # for the test code itself, beyond the program's wall limit


def run_tests(
    session: Session, checker: Session, job: dict[str, Any], tests: asserts.AssertTests, first: int, limits: Limits, stop: bool
) -> list[TestResult]:
    """Tests from number `first` on, as many as one process of the program takes. stop: none after one that fails."""
    ours, theirs = socket.socketpair()
    desk, checkers_desk = socket.socketpair()
    setup = {"setup": job["setup"], "entry_point": job["entry_point"], "remote_names": tests.remote_names}
    session.files.reset()
    checker.files.reset()
    with desk:
        with ours, theirs, checkers_desk:
            session.ask({"do": "test"}, [theirs.fileno()])
            checker.ask({"do": "test"} | setup, [ours.fileno(), checkers_desk.fileno()])
        results: list[TestResult] = []
        alive = True
        for index in range(first, len(tests.tests)):
            result, alive = _one(session, desk, tests.tests[index], index, limits)
            results.append(result)
            if not alive or (stop and result.verdict is not Verdict.PASS):
                break
            session.files.reset()
        checker.ask({"do": "kill"})
        checker.report()
        if alive:
            session.ask({"do": "kill"})
            report = session.report()
            results = [replace(result, memory_mib=report["memory_mib"]) for result in results]
    return results


def _one(session: Session, desk: socket.socket, test: asserts.AssertTest, index: int, limits: Limits) -> tuple[TestResult, bool]:
    """One test's result, and whether the program's process lives on."""
    checked = _ask_checker(desk, test, limits.wall_s + PATIENCE_S)
    session.ask({"do": "mark" if checked is not None else "kill"})
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


def _ask_checker(desk: socket.socket, test: asserts.AssertTest, timeout_s: float) -> dict[str, Any] | None:
    """How the test ended, from the process that ran it; None: it did not end."""
    try:
        wire.send(desk, {"code": test.code, "label": test.label})
        if not select.select([desk], [], [], timeout_s)[0]:
            return None
        checked, _ = wire.receive(desk)
    except (EOFError, OSError, wire.WireError) as error:
        raise JailError(f"the process of the test code ended ({error})") from error
    return dict(checked)
