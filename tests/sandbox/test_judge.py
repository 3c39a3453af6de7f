"""Programs that each declare the verdict they must get, through the real jail."""

import os
import socket

import pytest

from sandbox.inside import checker, wire
from sandbox.judge import Judge, JudgeOptions
from sandbox.problem import Problem, Program
from sandbox.verdict import Verdict
from tests.sandbox.conftest import LIMITS

ADD_STDIN = Problem("add", "", "stdin", inputs=("1 2\n", "10 -4\n"), outputs=("3\n", "6\n"))
ADD_CALL = Problem("add", "", "call", entry_point="add", inputs=([1, 2], [10, -4]), outputs=(3, 6))
ADD_ASSERT = Problem(
    "add",
    "",
    "assert",
    entry_point="add",
    setup_code="import math\n",
    test_code="assert add(1, 2) == 3\nassert add(10, -4) == 6\n",
)

STDIN = {
    "right": ("a, b = map(int, input().split())\nprint(a + b)", Verdict.PASS),
    "trailing blanks": ("a, b = map(int, input().split())\nprint(a + b, '  ')\nprint()", Verdict.PASS),
    "wrong": ("print(7)", Verdict.WRONG_ANSWER),
    "silent": ("", Verdict.WRONG_ANSWER),
    "right, then exit 3": ("import sys\na, b = map(int, input().split())\nprint(a + b)\nsys.exit(3)", Verdict.RUNTIME_ERROR),
    "right, then exit 0": ("import sys\na, b = map(int, input().split())\nprint(a + b)\nsys.exit(0)", Verdict.PASS),
    "exception": ("raise ValueError(1)", Verdict.RUNTIME_ERROR),
    "killed by itself": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", Verdict.RUNTIME_ERROR),
    "real-time signal": ("import os\nos.kill(os.getpid(), 40)", Verdict.RUNTIME_ERROR),
    "spins": ("while True: pass", Verdict.TIME_LIMIT),
    "sleeps": ("import time\ntime.sleep(60)", Verdict.TIME_LIMIT),
    "grows": ("x = []\nwhile True: x.append(bytearray(10 << 20))", Verdict.MEMORY_LIMIT),
    "floods": ("while True: print('x' * 10000)", Verdict.OUTPUT_LIMIT),
    "no Python": ("def f(:", Verdict.COMPILE_ERROR),
    "NUL byte": ("x = '\0'", Verdict.COMPILE_ERROR),
    "forks": (
        "import os, time\na, b = map(int, input().split())\nprint(a + b, flush=True)\nif os.fork() == 0: time.sleep(60)",
        Verdict.RUNTIME_ERROR,
    ),
    "atexit": ("import atexit\na, b = map(int, input().split())\natexit.register(lambda: print(a + b))", Verdict.PASS),
    "main guard": ("if __name__ == '__main__':\n    a, b = map(int, input().split())\n    print(a + b)", Verdict.PASS),
    "exit() and quit() as in a script": (
        "a, b = map(int, input().split())\nprint(a + b)\nexit() if a > 5 else quit()",
        Verdict.PASS,
    ),
    "a stream over descriptor 1, never closed": (
        "a, b = map(int, input().split())\nout = open(1, 'w')\nout.write(str(a + b))",
        Verdict.PASS,
    ),
    "mode of a standard stream": (
        "import sys\nassert (sys.stdin.mode, sys.stdout.mode) == ('r', 'w')\nprint(sum(map(int, input().split())))",
        Verdict.PASS,
    ),
    "closes its output": ("import sys\na, b = map(int, input().split())\nprint(a + b)\nsys.stdout.close()", Verdict.PASS),
    "gives its output away": (
        "import sys\na, b = map(int, input().split())\nout = sys.stdout.detach()\nout.write(b'%d' % (a + b))\nout.flush()",
        Verdict.RUNTIME_ERROR,  # status 120, as of a script
    ),
    "int digits limit kept": ("print(10 ** 5000)", Verdict.RUNTIME_ERROR),
}


@pytest.mark.parametrize("case", STDIN, ids=list(STDIN))
def test_stdin(judge, case):
    source, verdict = STDIN[case]
    problem = ADD_STDIN if case not in ("spins", "sleeps") else Problem("add", "", "stdin", inputs=("1 2",), outputs=("3",))
    result = judge.judge(problem, Program("add", source))
    assert result.verdict is verdict, result.tests
    assert len(result.tests) == len(problem.inputs)


CALL = {
    "right": ("def add(a, b): return a + b", Verdict.PASS),
    "method of Solution": ("class Solution:\n    def add(self, a, b): return a + b", Verdict.PASS),
    "float for int": ("def add(a, b): return float(a + b)", Verdict.WRONG_ANSWER),
    "equal to all": ("class E:\n    def __eq__(self, o): return True\ndef add(a, b): return E()", Verdict.RUNTIME_ERROR),
    "int that is equal to all": (
        "class E(int):\n    def __eq__(self, o): return True\ndef add(a, b): return E(0)",
        Verdict.WRONG_ANSWER,
    ),
    "exits 0 in the function": ("import os\ndef add(a, b): os._exit(0)", Verdict.RUNTIME_ERROR),
    "SystemExit(0) in the function": ("def add(a, b): raise SystemExit(0)", Verdict.RUNTIME_ERROR),
    "no such function": ("def plus(a, b): return a + b", Verdict.RUNTIME_ERROR),
    "contains itself": ("def add(a, b):\n    x = []\n    x.append(x)\n    return x", Verdict.RUNTIME_ERROR),
    "pickles a command": (
        "class P:\n    def __reduce__(self): return print, (1,)\ndef add(a, b): return P()",
        Verdict.RUNTIME_ERROR,
    ),
    "forges an answer at import": ("import os\nos.write(3, b'3')\nos._exit(0)", Verdict.WRONG_ANSWER),
    "walks the frames": (
        "import sys, gc\ndef add(a, b):\n    f = sys._getframe()\n    seen = []\n    while f:\n        seen += f.f_locals.values()\n"
        "        f = f.f_back\n    text = repr(seen) + repr(gc.get_objects())\n    return 3 if 'expected' in text or 'outputs' in text else 0",
        Verdict.WRONG_ANSWER,
    ),
}


@pytest.mark.parametrize("case", CALL, ids=list(CALL))
def test_call(judge, case):
    source, verdict = CALL[case]
    assert judge.judge(ADD_CALL, Program("add", source)).verdict is verdict


ASSERT = {
    "right": ("def add(a, b): return a + b", Verdict.PASS),
    "wrong": ("def add(a, b): return a - b", Verdict.WRONG_ANSWER),
    "right type matters to no one here": ("def add(a, b): return float(a + b)", Verdict.PASS),
    "equal to all": (
        "class E:\n    def __eq__(self, o): return True\n    __ne__ = __bool__ = __eq__\ndef add(a, b): return E()",
        Verdict.WRONG_ANSWER,
    ),
    "raises": ("def add(a, b): raise KeyError(a)", Verdict.RUNTIME_ERROR),
    "its own assert fails": ("def add(a, b): assert False", Verdict.RUNTIME_ERROR),
    "exits 0": ("import os\ndef add(a, b): os._exit(0)", Verdict.RUNTIME_ERROR),
    "spins": ("def add(a, b):\n    while True: pass", Verdict.TIME_LIMIT),
    "no such function": ("x = 1", Verdict.RUNTIME_ERROR),
    "patches what asserts use": (
        "import builtins\nbuiltins.AssertionError = ValueError\ndef add(a, b): return 0",
        Verdict.WRONG_ANSWER,
    ),
    "no Python": ("def add(a, b) return", Verdict.COMPILE_ERROR),
}


@pytest.mark.parametrize("case", ASSERT, ids=list(ASSERT))
def test_assert(judge, case):
    source, verdict = ASSERT[case]
    problem = (
        ADD_ASSERT if case != "spins" else Problem("add", "", "assert", entry_point="add", test_code="assert add(1, 2) == 3")
    )
    result = judge.judge(problem, Program("add", source))
    assert result.verdict is verdict, result.tests


def test_a_reply_forged_before_the_question_is_but_a_guess(judge):
    source = "import os, struct\nreply = b'{\"value\":3}'\nos.write(3, struct.pack('!Q', len(reply)) + reply)\nos._exit(0)"
    first, second = judge.judge(ADD_ASSERT, Program("add", source)).tests
    assert second.verdict in (Verdict.WRONG_ANSWER, Verdict.RUNTIME_ERROR)
    assert first.verdict in (Verdict.PASS, Verdict.RUNTIME_ERROR), "3 is what add(1, 2) asks for"


def test_a_test_of_its_own_for_each_assert(judge):
    result = judge.judge(ADD_ASSERT, Program("add", "def add(a, b): return 3"))
    assert [test.verdict for test in result.tests] == [Verdict.PASS, Verdict.WRONG_ANSWER]
    assert result.tests_passed == 1


def test_stub_of_the_prompt_is_replaced_never_called(judge):
    prompt = "import math\ndef helper(x):\n    return x * 2\ndef area(r):\n    '''Area.'''\n"
    problem = Problem(
        "area", "", "assert", entry_point="area", setup_code=prompt, test_code="def check(c):\n    assert c(2) == helper(8)\n"
    )
    assert judge.judge(problem, Program("area", "def area(r): return helper(r ** 3)")).verdict is Verdict.PASS
    assert judge.judge(problem, Program("area", "def other(r): return 16")).verdict is Verdict.RUNTIME_ERROR
    forged_helper = "def helper(x): return 0\ndef area(r): return 0"
    assert judge.judge(problem, Program("area", forged_helper)).verdict is Verdict.WRONG_ANSWER, (
        "the tests use the trusted helper"
    )


def test_what_test_code_prints_comes_to_no_limit(judge):
    """Neither in one test nor over those of all programs."""
    problem = Problem("p", "", "assert", entry_point="f", test_code="print('x' * (1 << 21))\nassert f(1) == 2")
    verdicts = {judge.judge(problem, Program("p", "def f(x): return x + 1")).verdict for _ in range(5)}
    assert verdicts == {Verdict.PASS}


def test_an_error_in_test_code_that_cannot_be_told_ends_no_judge(monkeypatch):
    """There may be no memory for its words."""

    def nothing_left(*_error):
        raise MemoryError

    monkeypatch.setattr(checker.traceback, "format_exception_only", nothing_left)
    codes = [compile(source, "test.py", "exec") for source in ("", "raise KeyError(1)")]
    program = checker.Program(socket.socket())
    with program.channel:
        told = checker._outcome({"remote_names": [], "entry_point": "f"}, tuple(codes), "the test", program)
    assert told == (wire.WRONG, "KeyError")


def test_objects_of_the_program_pass_through(judge):
    source = (
        "class Node:\n    def __init__(self, v):\n        self.v = v\n        self.left = None\n"
        "def depth(n):\n    return 0 if n is None else 1 + depth(n.left)\ndef values(n):\n    yield n.v\n"
    )
    tests = (
        "root = Node(1)\nroot.left = Node(2)\nroot.left.left = Node(3)\n"
        "assert depth(root) == 3\nassert root.left.v == 2\nassert list(values(root)) == [1]\nassert (depth(None), {1: (2,)}) == (0, {1: (2,)})\n"
    )
    problem = Problem("tree", "", "assert", entry_point="depth", test_code=tests)
    result = judge.judge(problem, Program("tree", source))
    assert [test.verdict for test in result.tests] == [Verdict.PASS] * 4, result.tests


def test_executed_lines(judge):
    source = "a, b = map(int, input().split())\nif a > 5:\n    c = a + b\nelse:\n    c = b + a\nfor _ in range(2):\n    pass\nprint(c)\n"
    tests = judge.judge(ADD_STDIN, Program("add", source)).tests
    assert tests[0].executed_lines == (1, 2, 5, 6, 7, 8)
    assert tests[1].executed_lines == (1, 2, 3, 6, 7, 8)


@pytest.mark.parametrize(
    "end", ["import os; os._exit(0)", "while True: pass", "raise ValueError", "import os; os.kill(os.getpid(), 9)"]
)
def test_executed_lines_outlive_the_process(judge, end):
    problem = Problem("add", "", "stdin", inputs=("",), outputs=("",))
    (test,) = judge.judge(problem, Program("add", f"x = 1\nif x:\n    y = 2\n    {end}\nz = 3\n")).tests
    assert test.executed_lines == (1, 2, 3, 4)


def test_nothing_stays_for_the_next_test(judge):
    problem = Problem("p", "", "stdin", inputs=("", ""), outputs=("['program.py']",) * 2)
    source = "import os\nprint(os.listdir('/tmp'))\nopen('/tmp/left', 'w').write('x')"
    assert judge.judge(problem, Program("p", source)).verdict is Verdict.PASS


def test_the_host_is_out_of_reach(judge, tmp_path):
    (tmp_path / "secret").write_text("SECRET")
    os.environ["STEPBATCH_TEST_SECRET"] = "SECRET"
    source = f"""
import os, socket
seen = []
for path in ({str(tmp_path / "secret")!r}, "/etc/passwd", "/etc/hostname", "/proc/1/environ", {os.getcwd()!r} + "/pyproject.toml"):
    try:
        seen.append(open(path).read())
    except OSError:
        pass
seen += [v for v in os.environ.values() if "SECRET" in v]
try:
    socket.create_connection(("127.0.0.1", 22), timeout=1)
    seen.append("network")
except OSError:
    pass
print(len(seen), os.getuid() == 0)
"""
    problem = Problem("p", "", "stdin", inputs=("",), outputs=("0 False",))
    result = judge.judge(problem, Program("p", source))
    del os.environ["STEPBATCH_TEST_SECRET"]
    assert result.verdict is Verdict.PASS, result.tests


def test_stop_at_first_failure(judge):
    with Judge(JudgeOptions(LIMITS, stop_at_first_failure=True)) as hasty:
        for problem, source in (
            (ADD_STDIN, "print(6)"),
            (ADD_CALL, "def add(a, b): return 6"),
            (ADD_ASSERT, "def add(a, b): return 6"),
        ):
            result = hasty.judge(problem, Program("add", source))
            assert (result.verdict, len(result.tests), result.tests_total) == (Verdict.WRONG_ANSWER, 1, 2)


def test_programs_may_import_the_packages_named(judge):
    source = "import numpy, sortedcontainers\na, b = map(int, input().split())\nprint(int(numpy.add(a, b)))"
    assert judge.judge(ADD_STDIN, Program("add", source)).verdict is Verdict.PASS
    assert {package.name for package in judge.packages} == {"numpy", "sortedcontainers"}
    assert judge.judge(ADD_STDIN, Program("add", "import pyarrow")).verdict is Verdict.RUNTIME_ERROR


def test_output_of_the_programs_own_class_is_flushed_while_its_module_stands(judge):
    source = (
        "import io, os, sys\nclass Out(io.StringIO):\n    def flush(self): os.write(1, self.getvalue().encode()); self.truncate(0)\n"
        "a, b = map(int, input().split())\nsys.stdout = Out()\nsys.stdout.write(str(a + b))\n"
    )
    assert judge.judge(ADD_STDIN, Program("add", source)).verdict is Verdict.PASS


def test_how_the_program_ended_is_waited_for(judge):
    """Its socket closes a moment before it is dead: a busy machine must not take that for a living process."""
    cases = {
        "def add(a, b) return": Verdict.COMPILE_ERROR,
        "import os\ndef add(a, b): os.kill(os.getpid(), 9)": Verdict.RUNTIME_ERROR,
        "import os, time\ndef add(a, b):\n    os.close(3)\n    time.sleep(60)": Verdict.RUNTIME_ERROR,
    }
    for _ in range(5):
        assert {source: judge.judge(ADD_ASSERT, Program("add", source)).verdict for source in cases} == cases
