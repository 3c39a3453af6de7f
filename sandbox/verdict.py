"""What the judge says of a program: few verdicts, each distinct, the judge's own failure among them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """One of eight words; a program's is that of its first test that is not a pass."""

    PASS = "pass"
    WRONG_ANSWER = "wrong_answer"  # it ended well; what it said is not what was asked
    RUNTIME_ERROR = "runtime_error"  # a signal, an exit status other than 0, an exception, no value came back
    TIME_LIMIT = "time_limit"  # CPU seconds, or the looser wall limit
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    COMPILE_ERROR = "compile_error"  # the interpreter refuses the source
    JUDGE_ERROR = "judge_error"  # the judge failed, not the program: retried, then dropped and counted


Span = tuple[int, int, int]  # of a statement in a program: first line, last line of its header, last line


@dataclass(frozen=True, slots=True)
class TestResult:
    """One run of a program on one test. Made by the judge; rows of `tests/` are made of it."""

    __test__ = False  # not a pytest class

    test: int
    verdict: Verdict
    wall_s: float = 0.0
    cpu_s: float = 0.0
    memory_mib: float = 0.0
    exit_status: int | None = None
    signal: int | None = None
    output_sha256: str = ""
    output_bytes: int = 0
    output_head: str = ""
    message: str = ""
    executed_lines: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """A message may quote what a program said: lone surrogates, which no file takes, are escaped."""
        object.__setattr__(self, "message", self.message.encode("utf-8", "backslashreplace").decode())


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """All tests of one program. Made by the judge; read by the shard writer and by rewards."""

    verdict: Verdict
    tests: tuple[TestResult, ...]  # fewer than tests_total where judging stopped at the first failure
    tests_total: int
    statements: tuple[Span, ...] = ()  # empty without a trace, and for a program that does not compile

    @property
    def tests_passed(self) -> int:
        return sum(test.verdict is Verdict.PASS for test in self.tests)


def overall(tests: tuple[TestResult, ...]) -> Verdict:
    """A program's verdict is that of its first test that is not a pass; a judge error outweighs all."""
    verdicts = [test.verdict for test in tests]
    if not verdicts or Verdict.JUDGE_ERROR in verdicts:
        return Verdict.JUDGE_ERROR
    return next((verdict for verdict in verdicts if verdict is not Verdict.PASS), Verdict.PASS)
