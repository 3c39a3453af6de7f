"""Programs that attack the judge, cheat or are merely odd, each with its verdicts in its head; and right ones among them.

Every file under hostile/ begins with `# mode:`, `# problem:` (in hostile/problems.py), `# verdict:` (those that are right, the
most exact first), `# attempts:`, and where its trace matters `# dead:` (lines that never run). After each, a right program
must pass in the same judge; at the end nothing may be left of any.
"""

import ctypes
import os
import secrets
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Program
from sandbox.verdict import ProgramResult, Verdict
from tests.sandbox.conform_judge import source_text
from tests.sandbox.hostile.problems import PROBLEMS

FOLDER = Path(__file__).parent / "hostile"
LIMITS = Limits(cpu_s=1, wall_s=3, memory_mib=256, output_bytes=256 << 10)
BUSY_S = 0.5  # CPU seconds that a test may cost the judge's own process: the longest integers cost minutes when shown
GROWTH_MIB = 64  # what the judge's own memory may grow by at its peak, over all cases
SUBREAPER = 36  # prctl: orphans of the judge become ours, so that we see them

CONTROLS = {
    "stdin": ("product_once", "a, b = map(int, input().split())\nprint(a * b)"),
    "call": ("product_call_once", "def product(a, b): return a * b"),
    "assert": ("product_assert_once", "def product(a, b): return a * b"),
}


@dataclass(frozen=True)
class Case:
    name: str
    problem: str
    mode: str
    verdicts: tuple[Verdict, ...]
    dead: frozenset[int]
    source: str


def read_case(path: Path) -> Case:
    source = source_text(path)
    head = dict(line[2:].split(": ", 1) for line in source.splitlines()[:6] if line.startswith("# ") and ": " in line)
    return Case(
        f"{path.parent.name}/{path.stem}",
        head["problem"],
        head["mode"],
        tuple(map(Verdict, head["verdict"].split())),
        frozenset(map(int, head.get("dead", "").split())),
        source,
    )


CASES = [read_case(path) for path in sorted(FOLDER.glob("*/*.py"))]


@dataclass
class Canary:
    """What no program may read or reach: a secret in a file and in our environment, and a listener."""

    token: str
    folder: Path
    listeners: list[socket.socket]

    def reached(self) -> bool:
        for listener in self.listeners:
            try:
                listener.accept() if listener.type == socket.SOCK_STREAM else listener.recv(10)
                return True
            except BlockingIOError:
                pass
        return False


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    made = Canary("canary-" + secrets.token_hex(8), Path(tempfile.gettempdir(), "hostile_canary"), [])
    made.folder.mkdir(exist_ok=True)
    (made.folder / "hostile_canary.txt").write_text(made.token)
    os.environ["HOSTILE_CANARY"] = made.token
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        listener = socket.socket(socket.AF_UNIX, kind)
        listener.setblocking(False)
        listener.bind("\0hostile_canary")
        if kind == socket.SOCK_STREAM:
            listener.listen()
        made.listeners.append(listener)
    yield made
    for listener in made.listeners:
        listener.close()
    del os.environ["HOSTILE_CANARY"]
    shutil.rmtree(made.folder)


@dataclass(frozen=True)
class Before:
    """The machine before the first case."""

    processes: set[tuple[int, str]]
    left: set[str]
    ipc: list[str]
    memory_kib: int


@pytest.fixture(scope="module")
def hostile_judge(canary: Canary) -> Iterator[tuple[Judge, Before]]:
    libc = ctypes.CDLL(None)
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    before = Before(processes(), left_behind(), ipc_objects(), memory_kib("VmRSS"))
    Path("/proc/self/clear_refs").write_text("5")  # the peak of our memory is counted from here
    try:
        with Judge(JudgeOptions(LIMITS)) as judge:
            yield judge, before
    except NotFoundError as error:
        pytest.skip(f"no jail on this machine: {error}")
    finally:
        libc.prctl(SUBREAPER, 0, 0, 0, 0)


def processes() -> set[tuple[int, str]]:
    """(pid, start time and command) of every process that descends from this one, zombies too."""
    parents: dict[int, tuple[int, str]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                name, rest = Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended while we looked
            fields = rest.split()
            parents[int(entry)] = (int(fields[1]), f"{name}) {fields[0]} {fields[19]}")
    found = set()
    for pid, (parent, name) in parents.items():
        while parent in parents and parent != os.getpid():
            parent = parents[parent][0]
        if parent == os.getpid():
            found.add((pid, name))
    return found


def left_behind() -> set[str]:
    """Files that bear our programs' mark, in every place of the host that anybody may write to."""
    places = {"/", "/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue", tempfile.gettempdir(), os.getcwd(), str(Path.home())}
    return {f"{p}/{name}" for p in places if os.path.isdir(p) for name in os.listdir(p) if name.startswith("hostile_")}


def ipc_objects() -> list[str]:
    """Keys of shared memory, semaphores and message queues of the host."""
    texts = [Path(f"/proc/sysvipc/{kind}").read_text().splitlines()[1:] for kind in ("shm", "sem", "msg")]
    return sorted(line.split()[0] for lines in texts for line in lines)


def memory_kib(which: str) -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(which))
    return int(line.split()[1])


def judged(judge: Judge, problem: str, source: str) -> ProgramResult:
    return judge.judge(PROBLEMS[problem], Program(problem, source))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(hostile_judge: tuple[Judge, Before], canary: Canary, case: Case) -> None:
    judge, _ = hostile_judge
    started, busy_before = time.monotonic(), time.process_time()
    result = judged(judge, case.problem, case.source)
    seconds, busy_s = time.monotonic() - started, time.process_time() - busy_before
    control = judged(judge, *CONTROLS[case.mode])
    assert result.verdict in case.verdicts, result.tests
    assert control.verdict is Verdict.PASS, f"a right program fails after it: {control.tests}"
    assert seconds < len(result.tests) * (LIMITS.wall_s + 2) + 5
    assert busy_s < len(result.tests) * BUSY_S, "it kept the judge itself busy"
    assert canary.token not in repr(result)
    assert not canary.reached()
    claimed = {line for test in result.tests for line in test.executed_lines}
    assert not claimed & case.dead, "lines that never ran are said to have run"
    assert claimed <= set(range(1, case.source.count("\n") + 2))


def test_every_case_says_what_is_right() -> None:
    assert len(CASES) >= 93
    for case in CASES:
        assert PROBLEMS[case.problem].mode == case.mode, case.name
        assert Verdict.JUDGE_ERROR not in case.verdicts, case.name
        cheat = case.name.startswith("cheat_")
        assert not (cheat and Verdict.PASS in case.verdicts), f"{case.name}: a cheat must never pass"


def test_nothing_is_left(hostile_judge: tuple[Judge, Before]) -> None:
    judge, before = hostile_judge
    judge.close()
    assert memory_kib("VmHWM") - before.memory_kib < GROWTH_MIB << 10, "the judge's own memory grew"
    deadline = time.monotonic() + 2
    while (left := processes() - before.processes) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left
    assert left_behind() <= before.left | {f"{tempfile.gettempdir()}/hostile_canary"}
    assert ipc_objects() == before.ipc
