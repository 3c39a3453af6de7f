"""A judge's failure is not a program's failure: killed jails, signals from outside, and what one jail might take from another."""

import os
import signal
import threading
import time

import pytest

from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.verdict import ProgramResult, TestResult, Verdict
from tests.sandbox.conftest import LIMITS
from tests.sandbox.test_judge import ADD_ASSERT, ADD_CALL, ADD_STDIN, ASSERT, CALL, STDIN


@pytest.mark.parametrize("victim", ["nsjail", "zygote"])
def test_a_killed_jail_is_not_the_programs_failure(judge, victim):
    """kill -9 in the middle of a test: the program is judged again, in another jail, and nothing of the first is left."""
    judge.judge(ADD_STDIN, Program("add", ""))
    first = judge._jail._process.pid
    family = descendants(first)
    killer = threading.Timer(0.5, os.kill, (first if victim == "nsjail" else family[0], signal.SIGKILL))
    killer.start()
    problem = Problem("p", "", "stdin", inputs=("",), outputs=("done",))
    result = judge.judge(problem, Program("p", "import time\ntime.sleep(1)\nprint('done')"))
    killer.join()
    assert result.verdict is Verdict.PASS
    assert judge._jail._process.pid != first
    deadline = time.monotonic() + 2
    while left := [pid for pid in family if os.path.exists(f"/proc/{pid}")]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("mode", ["stdin", "assert"])
def test_a_signal_from_outside_is_not_the_programs_failure(judge, number, mode):
    """Slurm sends its signals to all processes of a job, a kernel short of memory kills the largest. Once; then all is well."""
    judge.judge(ADD_STDIN, Program("add", ""))
    jail, killed = judge._jail._process.pid, []

    def kill():
        killed.append(descendants(jail)[-1])
        os.kill(killed[0], number)

    killer = threading.Timer(0.5, kill)
    killer.start()
    problem = {
        "stdin": Problem("p", "", "stdin", inputs=("",), outputs=("done",)),
        "assert": Problem("p", "", "assert", entry_point="f", test_code="assert f() == 1\n"),
    }[mode]
    result = judge.judge(problem, Program("p", "import time\ndef f():\n    time.sleep(1)\n    return 1\nf()\nprint('done')"))
    killer.join()
    assert not os.path.exists(f"/proc/{killed[0]}")
    assert result.verdict is Verdict.PASS, result.tests


@pytest.mark.parametrize("hasty", [False, True])
def test_only_what_a_signal_may_have_ended_is_judged_again(hasty):
    """In its place among the others, and with those that were not run for it."""
    problem = Problem("p", "", "stdin", inputs=("0", "1", "0", "0"), outputs=("0", "1", "0", "1"))
    program = Program("p", "import time\nn = int(input())\ntime.sleep(n)\nprint(n)")
    with Judge(JudgeOptions(LIMITS, stop_at_first_failure=hasty)) as judge:
        judge.judge(problem, Program("p", ""))
        assert judge._jail is not None
        jail = judge._jail._process.pid
        killer = threading.Timer(0.5, lambda: os.kill(descendants(jail)[-1], signal.SIGKILL))
        started = time.monotonic()
        killer.start()
        result = judge.judge(problem, program)
        killer.join()
    assert [test.verdict.value for test in result.tests] == ["pass", "pass", "pass", "wrong_answer"]
    assert [test.test for test in result.tests] == [0, 1, 2, 3]
    assert (result.verdict, result.tests_total) == (Verdict.WRONG_ANSWER, 4)
    assert time.monotonic() - started > 1.5  # it was killed at 0.5 s


@pytest.mark.parametrize(("lasted_s", "spent_s", "time_for_it"), [(0.1, 0.1, True), (8.0, 9.0, True), (18.0, 18.0, False)])
def test_there_is_time_to_do_again_what_a_lone_test_did_but_no_second_long_one(lasted_s, spent_s, time_for_it):
    killed = TestResult(0, Verdict.RUNTIME_ERROR, wall_s=lasted_s, signal=signal.SIGKILL)
    result = ProgramResult(Verdict.RUNTIME_ERROR, (killed,), 1)
    with Judge(JudgeOptions(Limits())) as usual:
        assert usual._time_for_doubts(result, spent_s) is time_for_it


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_itself_is(judge, number):
    result = judge.judge(ADD_STDIN, Program("add", f"import os\nos.kill(os.getpid(), {int(number)})"))
    assert result.verdict is Verdict.RUNTIME_ERROR
    assert {test.signal for test in result.tests} == {number}


def descendants(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        children = [int(child) for child in file.read().split()]
    return [*children, *(deep for child in children for deep in descendants(child))]


def test_a_jail_that_never_works_is_a_judge_error(judge, monkeypatch):
    from sandbox.jail import Jail, JailError

    def broken(self, *args):
        raise JailError("no jail today")

    judge.close()
    monkeypatch.setattr(Jail, "__init__", broken)
    result = judge.judge(ADD_STDIN, Program("add", "print(3)"))
    assert result.verdict is Verdict.JUDGE_ERROR
    assert result.tests[0].message == "no jail today"


def test_a_node_that_refuses_namespaces_in_a_jail_gets_a_jail_a_program(judge, monkeypatch):
    """The fallback: same verdicts, same cleanliness."""
    judge.close()
    monkeypatch.setattr(judge, "nests", False)
    assert judge.judge(ADD_STDIN, Program("add", STDIN["right"][0])).verdict is Verdict.PASS
    assert judge.judge(ADD_CALL, Program("add", CALL["right"][0])).verdict is Verdict.PASS
    assert judge.judge(ADD_ASSERT, Program("add", ASSERT["wrong"][0])).verdict is Verdict.WRONG_ANSWER
    leaving = "import os\nprint(os.listdir('/tmp'))\nopen('/tmp/left', 'w').write('x')"
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("['program.py']",) * 2)
    assert judge.judge(problem, Program("p", leaving)).verdict is Verdict.PASS
    killing = "import os\nos.kill(1, 9)\nos.kill(os.getppid(), 9)\nos.kill(-1, 15)"
    assert judge.judge(problem, Program("p", killing)).verdict in (Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR)
    judge.close()


HOLDING = {
    "descriptors in flight": (
        "import array, socket\none, other = socket.socketpair()\n"
        "rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [0] * 250))]\n"
        "try:\n    one.sendmsg([b'x'], rights)\nexcept OSError:\n    pass\n",
        "print('done')",
    ),
    "timers": (
        "import ctypes\ncreate, timer = ctypes.CDLL(None).timer_create, ctypes.byref(ctypes.c_void_p())\n"
        "while create(1, None, timer) == 0:\n    pass\n",
        "import ctypes\ntimer = ctypes.c_void_p()\n"
        "print('refused' if ctypes.CDLL(None).timer_create(1, None, ctypes.byref(timer)) else 'done')",
    ),
}


@pytest.mark.parametrize("what", HOLDING)
def test_what_a_program_holds_is_not_taken_from_other_jails(judge, what):
    """The jails of a machine share one user, for whom the kernel counts some things."""
    problem = Problem("p", "", "stdin", inputs=("",), outputs=("done",))
    holding, needing = HOLDING[what]
    with Judge(JudgeOptions(LIMITS)) as another:
        another.judge(problem, Program("p", ""))
        hostile = Program("p", f"{holding}import time\ntime.sleep(3)\nprint('done')")
        holder = threading.Thread(target=another.judge, args=(problem, hostile))
        holder.start()
        time.sleep(1.5)
        result = judge.judge(problem, Program("p", needing))
        assert holder.is_alive()
        holder.join()
    assert result.verdict is Verdict.PASS, result.tests
