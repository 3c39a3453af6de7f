"""The tracer against `sys.settrace`, which defines what a run line is; see trace_both.py for how programs are run."""

import json
import signal
import subprocess
import sys
import threading
from itertools import chain, islice
from mmap import mmap
from pathlib import Path

import pytest

from benchmarks.convert import DATA
from sandbox.inside import bytecode, probes, tracer
from tests.sandbox.trace_both import in_child, lines_of
from tests.sandbox.traced_programs import human_eval, unified

ROOT = Path(__file__).parents[2]
FORMS = Path(__file__).with_name("syntax_forms.txt")
needs_probes = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="probes are for Python 3.11")


def compared(row):
    """Asserts that the tracer saw what settrace saw and changed nothing; false where a run did not end in time."""
    ways = [in_child(row, way, 4) for way in ("tracer", "settrace", "nothing")]
    if None in ways:
        return False
    ours, theirs, untraced = ways
    assert (ours["lines"], ours["again"]) == (theirs["lines"], theirs["again"]), row["name"]
    assert (ours["stdout"], ours["error"]) == (untraced["stdout"], untraced["error"]), row["name"]
    return True


def traced(source, size=None):
    """Runs a program here; its namespace and the lines seen."""
    seen = mmap(-1, size or source.count("\n") + 2)
    names = {"__name__": "program"}
    exec(tracer.start(tracer.prepare(compile(source, "program.py", "exec", dont_inherit=True)), seen), names)
    return names, lines_of(seen), seen


def test_real_programs_give_the_lines_that_settrace_reports():
    if not DATA.exists():
        pytest.skip(f"{DATA} is not on this machine")
    rows = list(chain(islice(human_eval(), 0, None, 4), islice(unified(), 0, None, 25)))
    ended = sum(map(compared, rows))
    assert ended > 0.95 * len(rows) > 200


@pytest.mark.parametrize("form", FORMS.read_text().split("\n# ---\n"), ids=lambda form: form.splitlines()[0].strip("# "))
def test_every_form_of_syntax_gives_the_lines_that_settrace_reports(form):
    assert compared({"name": form, "source": form, "driver": "print(run() if 'run' in globals() else None)"})


@needs_probes
def test_every_form_of_syntax_gets_probes():
    for form in FORMS.read_text().split("\n# ---\n"):
        probes.insert(compile(form, "program.py", "exec"))


@pytest.mark.parametrize("lines", [30, 300, 12_000])
def test_long_functions_and_many_constants(lines):
    """Jumps of one, two and three units; more than 256 and more than 65,536 constants."""
    body = "".join(f"        x = n * {i + 1000}.5\n        if x < 0:\n            continue\n" for i in range(lines))
    source = f"def f():\n    t = 0\n    for n in range(2):\n{body}        t += x\n    return t\n"
    assert compared({"name": f"{3 * lines} lines", "source": source, "driver": "print(f())"})


def test_lines_beyond_the_map_are_ignored():
    source = "def f():\n    a = 1\n    b = 2\n    return a + b\nx = f()\ny = f()\n"
    names, lines, seen = traced(source, size=4)
    assert (names["y"], lines) == (3, [1, 2, 3])
    seen[:] = bytes(4)
    tracer.restart()
    assert (names["f"](), lines_of(seen)) == (3, [2, 3])


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "os._exit(3)", "import ctypes; ctypes.string_at(0)"])
def test_lines_outlive_a_sudden_end(end):
    source = f"import os\ndef f():\n    x = 1\n    {end}\n    y = 2\nf()\n"
    code = f"""
import mmap, os
from sandbox.inside import tracer
seen = mmap.mmap(-1, 10)
if os.fork() == 0:
    exec(tracer.start(tracer.prepare(compile({source!r}, "program.py", "exec")), seen), {{}})
    os._exit(0)
_, status = os.wait()
print(status != 0, [line for line in range(1, 10) if seen[line]])
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout == "True [1, 2, 3, 4, 6]\n"


def test_a_line_is_written_while_the_program_runs_on():
    source = "def f(stop, go):\n    go.set()\n    stop.wait()\n    return 1\n"
    names, _, seen = traced(source)
    stop, go = threading.Event(), threading.Event()
    thread = threading.Thread(target=names["f"], args=(stop, go))
    thread.start()
    go.wait()
    early = lines_of(seen)
    stop.set()
    thread.join()
    assert (early, lines_of(seen)) in (([1, 2], [1, 2, 3, 4]), ([1, 2, 3], [1, 2, 3, 4]))


def test_many_threads_run_through_the_same_lines():
    source = "def f(out):\n    for i in range(20000):\n        if i % 2:\n            out.append(i)\n    return out\n"
    names, _, seen = traced(source)
    outs = [[] for _ in range(8)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=names["f"], args=(out,)) for out in outs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.setswitchinterval(before)
    assert all(out == list(range(1, 20000, 2)) for out in outs)
    assert lines_of(seen) == [1, 2, 3, 4, 5]


@needs_probes
def test_recursion_goes_as_deep_as_without_a_trace():
    """Lines that run for the first time at the deepest call included."""
    source = "def f(n):\n    if n == 0:\n        x = 1\n        return x\n    return f(n - 1)\n"
    plain = {}
    exec(compile(source, "program.py", "exec"), plain)
    names, _, _ = traced(source)

    def deepest(f):
        n = 500
        while True:
            try:
                f(n)
            except RecursionError:
                return n
            n += 1

    assert deepest(names["f"]) == deepest(plain["f"])


@needs_probes
def test_the_trace_goes_on_after_a_recursion_error():
    """There, settrace ends: its own trace function cannot be called."""
    source = "def f():\n    f()\ntry:\n    f()\nexcept RecursionError:\n    x = 1\ny = 2\n"
    assert traced(source)[1] == [1, 2, 3, 4, 5, 6, 7]


def test_an_alarm_is_raised_inside_the_programs_own_try():
    source = (
        "def f():\n    n = 0\n    try:\n        while True:\n            n += 1\n            m = n\n"
        "    except TimeoutError:\n        return m > 0\n"
    )
    names, _, seen = traced(source)

    def ring(_number, _frame):
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    assert names["f"]()
    signal.signal(signal.SIGALRM, before)
    assert lines_of(seen) == [1, 2, 3, 4, 5, 6, 7, 8]


@needs_probes
def test_positions_of_instructions_stay():
    """Tracebacks point at the same columns."""
    code = compile("def f(a):\n    return (a +\n        a.b.c['x'])\n", "program.py", "exec").co_consts[0]
    kept = [place for place in probes.insert(code).co_positions() if place[0]]
    assert set(code.co_positions()) == set(kept)


@needs_probes
def test_what_cannot_be_given_probes_runs_under_settrace(monkeypatch):
    """The trace is the same, before and after a restart."""
    source = "def f(x):\n    if x:\n        return 1\n    return 2\nf(0)\n"
    monkeypatch.setattr(probes, "insert", lambda code: (_ for _ in ()).throw(bytecode.UnsupportedError("a test")))
    before = sys.gettrace()
    try:
        names, lines, seen = traced(source)
        seen[:] = bytes(len(seen))
        tracer.restart()
        names["f"](1)
    finally:
        sys.settrace(before)
        threading.settrace(before)
    assert (lines, lines_of(seen)) == ([1, 2, 4, 5], [2, 3])


OTHERS = [path for v in ("3.12", "3.13", "3.14") for path in sorted(Path.home().glob(f".pyenv/versions/{v}.*/bin/python"))]


@pytest.mark.skipif(not OTHERS, reason="no other interpreter under ~/.pyenv")
@pytest.mark.parametrize("python", OTHERS, ids=lambda path: path.parents[1].name)
def test_other_interpreters_give_the_lines_that_settrace_reports(python):
    forms = FORMS.read_text().split("\n# ---\n")
    rows = [{"name": form.splitlines()[0], "source": form, "driver": "'run' in globals() and run()"} for form in forms]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run([python, "-m", "tests.sandbox.trace_both"], input=text, capture_output=True, text=True, check=True)
    for result in map(json.loads, done.stdout.splitlines()):
        ours, theirs = result["tracer"], result["settrace"]
        if "copies of code" in result["name"]:  # sys.monitoring watches the code objects that it was told of
            assert set(ours["lines"]) < set(theirs["lines"])
            continue
        assert ours["lines"] == theirs["lines"], result["name"]
        if "strings joined" not in result["name"]:  # there the specialised interpreter skips an instruction and its event
            assert ours["again"] == theirs["again"], result["name"]
