"""A program's stay in a jail: its clock, its end, and what a hostile program or a kill could do to both."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import clock
from sandbox.inside import runner
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.session import Session
from sandbox.verdict import Verdict
from tests.sandbox.conftest import LIMITS

ROOT = Path(__file__).parents[2]


def test_the_clock_is_looked_at_when_the_limit_can_be_reached(judge):
    """Not a limit later: an endless program costs its CPU seconds, and no more."""
    result = judge.judge(Problem("p", "", "stdin", inputs=("",), outputs=("",)), Program("p", "while True: pass"))
    assert result.verdict is Verdict.TIME_LIMIT
    assert LIMITS.cpu_s <= result.tests[0].cpu_s < 1.3 * LIMITS.cpu_s


SHARED_CORE = """
import os, subprocess, sys
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
problem = Problem("p", "", "stdin", inputs=("", "", ""), outputs=("", "", ""))
with Judge(JudgeOptions(Limits(cpu_s=1.0, wall_s=1.0))) as judge:
    judge.judge(problem, Program("p", ""))
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    tests = judge.judge(problem, Program("p", sys.argv[1])).tests
    for test in tests:
        print(test.verdict.value, *[clock for clock in ("CPU", "wall") if clock in test.message])
    print("late" if max(test.wall_s for test in tests) > 1.0 else "in time")
    for other in others:
        other.kill()
"""


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import time\nwhile time.process_time() < 0.8: pass", ["pass"] * 3),
        ("import time; time.sleep(9)", ["time_limit wall"] * 3),
        ("while True: pass", ["time_limit CPU", "time_limit wall", "time_limit wall"]),
        ("open('/tmp/left', 'w')\nwhile True: pass", ["time_limit CPU", "time_limit wall", "time_limit wall"]),
    ],
    ids=["computes", "sleeps", "endless", "endless, a session a test"],
)
def test_the_wall_limit_passes_over_what_a_program_waits_for_a_core(program, expected):
    """On a core that it shares with three others a program takes four times as long, and is no worse a program.

    An endless one must not hold a busy node so long in each of its tests.
    """
    argv = [sys.executable, "-c", SHARED_CORE, program]
    said = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert said.stdout.splitlines() == [*expected, "late"], said.stderr


@pytest.mark.parametrize(
    ("ran_s", "asleep", "patient", "goes_on"),
    [
        (0.5, True, False, True),
        (1.5, False, True, True),
        (1.5, True, True, False),
        (1.5, False, False, False),
        (200, False, True, False),
    ],
    ids=[
        "within the limit",
        "waits for a core",
        "waits for something else",
        "has failed by its time before",
        "waits for too long",
    ],
)
def test_a_wait_for_a_core_counts_before_it_is_over(monkeypatch, ran_s, asleep, patient, goes_on):
    """The kernel counts a wait when it ends: a new process was seen to wait for 20 s beside three others, with nothing counted."""
    monkeypatch.setattr(clock, "waited_s", lambda pid: 0.0)
    monkeypatch.setattr(clock, "asleep", lambda pid: asleep)
    session = Session.__new__(Session)
    session._limits, session._started, session._waited_before = Limits(cpu_s=1.0, wall_s=1.0), 0.0, 0.0
    session._pid, session.patient = 1, patient
    assert (session._wall_left(ran_s) > 0) is goes_on


@pytest.mark.parametrize("cut", [1, 5, 30, 60])
def test_a_process_killed_while_it_told_its_code_has_not_compiled(cut):
    """Its words are torn; they must not stop the judge."""
    told = runner.COMPILED + (20).to_bytes(8, "little") + b"c" * 20 + b"[[1,1,1],[2,2,2],[3,3,3],[4,4,4]]"
    session = Session.__new__(Session)
    session.compiled, session.statements, session.files = False, [], SimpleNamespace(staged=lambda: told[:cut])
    session._look_at_stage()
    assert (session.compiled, session.statements) == (False, [])
    session.files = SimpleNamespace(staged=lambda: told)
    session._look_at_stage()
    assert (session.compiled, session.statements[-1]) == (True, (4, 4, 4))


@pytest.mark.parametrize("nests", [True, False])
def test_nothing_outlives_a_judge_that_is_killed(judge, nests):
    """Neither in a worker's jail nor, where a node refuses namespaces in it, in a program's own."""
    code = f"""
from sandbox.judge import Judge, JudgeOptions
from sandbox.problem import Problem, Program
from tests.sandbox.conftest import LIMITS
with Judge(JudgeOptions(LIMITS)) as judge:
    judge.nests = {nests}
    print("ready", flush=True)
    judge.judge(Problem("p", "", "stdin", inputs=("",), outputs=("",)), Program("p", "import time; time.sleep(1000)"))
"""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.7)
    family = descendants(process.pid)
    assert len(family) >= 3  # nsjail, the zygote or warden, the program
    process.send_signal(signal.SIGKILL)
    process.communicate()
    deadline = time.monotonic() + 2
    while left := [pid for pid in family if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def descendants(pid):
    children = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*children, *(deep for child in children for deep in descendants(child))]


def test_a_script_replaced_by_a_link_is_noticed_and_not_followed(judge, tmp_path):
    """Where it leads is outside the jail."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    link = f"import os\nos.unlink('/tmp/program.py')\nos.symlink({str(secret)!r}, '/tmp/program.py')\n"
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("ok", "ok"))
    program = "import os\nassert not os.path.islink('/tmp/program.py')\nprint('ok')\n" + link
    assert judge.judge(problem, Program("p", program)).verdict is Verdict.PASS


def test_a_giant_is_refused_and_not_the_judges_failure(judge):
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("", ""))
    result = judge.judge(problem, Program("p", f'x = """{"a" * (17 << 20)}"""'))
    assert (result.verdict, len(result.tests)) == (Verdict.COMPILE_ERROR, 2)
    assert "over the limit of 1048576" in result.tests[0].message


def test_luck_is_the_same_whenever_a_program_is_judged(judge):
    problem = Problem("p", "", "assert", entry_point="f", setup_code="import random", test_code="assert f(random.randrange(4))")
    assert len({judge.judge(problem, Program("p", "def f(x): return x != 2")).verdict for _ in range(12)}) == 1


def test_a_test_that_asks_for_nothing_has_the_lines_of_the_import(judge):
    problem = Problem("p", "", "assert", entry_point="f", test_code="assert f(1) == 1\nassert len('a') == 1")
    first, second = judge.judge(problem, Program("p", "x = 1\ndef f(x):\n    return x")).tests
    assert (first.executed_lines, second.executed_lines) == ((1, 2, 3), (1, 2))


@pytest.mark.parametrize("depth", [700, 1100])
def test_functions_too_deep_for_the_tracer_run_untraced(judge, depth):
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("7", "7"))
    assert judge.judge(problem, Program("p", "f = " + "lambda: " * depth + "0\nprint(7)")).verdict is Verdict.PASS


@pytest.mark.parametrize("source", ["a=1\n" * 40_000, "a=1;" * 50_000 + "\n", "a=1\n" * 10_001])
def test_a_program_too_long_to_be_traced_loses_no_time_to_it(judge, source):
    """What makes a trace ready counts as the program's own."""
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("3", "3"))
    result = judge.judge(problem, Program("p", source + "print(3)"))
    assert result.verdict is Verdict.PASS
    assert (result.statements, {test.executed_lines for test in result.tests}) == ((), {()})
