"""A judge under hard limits lower than its own, as a site sets them: verdicts stay true, or the message says what to raise."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.doctor import examine
from sandbox.inside import runner
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits

ROOT = Path(__file__).parents[2]

JUDGE = """
import resource, sys
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
_, which, value, memory_mib = sys.argv
resource.setrlimit(getattr(resource, which), (int(value), int(value)))
printed = Problem("p", "", "stdin", inputs=("1",), outputs=("1",))
asserted = Problem("p", "", "assert", entry_point="f", test_code="assert f(1) == 1")
try:
    with Judge(JudgeOptions(Limits(memory_mib=int(memory_mib)))) as judge:
        for problem, source in ((printed, "print(1)"), (asserted, "def f(x): return x"), (printed, "print('1' * 600_000)")):
            print(*(test.verdict.value + " " + test.message for test in judge.judge(problem, Program("p", source)).tests))
except NotFoundError as error:
    print(error)
"""


def judged_under(which: str, value: int, memory_mib: int = 1024) -> list[str]:
    argv = [sys.executable, "-c", JUDGE, which, str(value), str(memory_mib)]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


@pytest.mark.parametrize(
    ("which", "value", "too_much"),
    [
        ("RLIMIT_SIGPENDING", 100, "wrong_answer output differs"),
        ("RLIMIT_NPROC", 30, "wrong_answer output differs"),
        ("RLIMIT_FSIZE", 500_000, "output_limit more than 500000 bytes of output"),
        ("RLIMIT_AS", 1900 << 20, "wrong_answer output differs"),  # less than the test code's own limit
    ],
)
def test_a_sites_lower_limit_holds_and_fails_no_right_program(judge, which, value, too_much):
    assert [line.strip() for line in judged_under(which, value)] == ["pass", "pass", too_much]


def test_a_memory_limit_that_cannot_be_set_is_named_with_its_remedy(judge):
    (*_, told) = judged_under("RLIMIT_AS", 1900 << 20, memory_mib=4096)
    assert "the memory limit of 4096 MiB (--memory-mib) cannot be set" in told
    assert "hard limit of address space is 1900 MiB" in told
    assert all(remedy in told for remedy in ("ulimit -H -v", "PropagateResourceLimits", "lower --memory-mib"))


def test_the_doctor_names_the_limit_that_cannot_be_set(judge, monkeypatch):
    monkeypatch.setattr(runner, "allowed", lambda _which, value: value // 2)
    (found,) = (finding for finding in examine(JudgeOptions(Limits())) if finding.topic == "jail")
    assert (found.state, "lower --memory-mib" in found.remedy) == ("FAIL", True), found


@pytest.mark.parametrize(("hard", "most"), [(resource.RLIM_INFINITY, 256), (100, 100), (1000, 256)])
def test_what_is_allowed_of_a_limit(monkeypatch, hard, most):
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (hard, hard))
    assert runner.allowed(resource.RLIMIT_SIGPENDING, 256) == most
