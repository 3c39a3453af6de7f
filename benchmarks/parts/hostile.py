"""Programs for `benchmarks.judge_soak`, each with the verdicts that are right for it. Never run one of them outside a jail.

All are asked to print the sum of two numbers. The attempts that a jail may either refuse or clean up after print it whatever
becomes of them. `{token}` becomes a word that no other file on the machine bears.
"""

from __future__ import annotations

from dataclasses import dataclass

PASS, WRONG, RUNTIME, TIME, MEMORY = "pass", "wrong_answer", "runtime_error", "time_limit", "memory_limit"
_ANSWER = "a, b = map(int, input().split())\nprint(a + b, flush=True)\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of program. `verdicts`: any of them is right."""

    name: str
    source: str
    verdicts: tuple[str, ...]


HARMLESS = (
    Kind("right", _ANSWER, (PASS,)),
    Kind("wrong", _ANSWER.replace("a + b", "a - b - 1"), (WRONG,)),
)

_SPIN = """
while True:
    pass
"""
_HOG = """
held = []
while True:
    held.append(b"x" * (1 << 24))
"""
_FORK = """
import os
try:
    if os.fork() == 0:
        os._exit(0)
except OSError:
    pass
"""
_FILES = """
import os
clean = "{token}" not in " ".join(os.listdir("/tmp"))
for folder in ("/tmp", "/dev/shm", "/var/tmp", ".", "/"):
    for number in range(20):
        try:
            with open(f"{{folder}}/{token}-{{number}}", "w") as file:
                file.write("x" * 1000)
        except OSError:
            break
a, b = map(int, input().split())
print(a + b if clean else "the /tmp of another run")
"""
_FLOOD = """
while True:
    print("x" * 1000)
"""
_THREADS = """
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
"""
_ORPHAN = """
import os, time
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
except OSError:
    pass
"""
_KILLER = """
import os, signal
for pid in (-1, os.getppid()):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
"""

HOSTILE = (
    Kind("spin", _SPIN, (TIME,)),
    Kind("memory hog", _HOG, (MEMORY,)),
    Kind("fork", _FORK + _ANSWER, (PASS,)),
    Kind("files left", _FILES, (PASS,)),
    Kind("output flood", _FLOOD, ("output_limit",)),
    Kind("early exit", "import os\nos._exit(0)\n" + _ANSWER, (WRONG,)),
    Kind("segfault", "import ctypes\nctypes.string_at(0)\n" + _ANSWER, (RUNTIME,)),
    Kind("thread bomb", _THREADS, (RUNTIME, MEMORY, TIME)),  # which limit comes first is the machine's affair
    Kind("orphan", _ORPHAN + _ANSWER, (PASS,)),
    Kind("killer", _KILLER + _ANSWER, (PASS,)),
)


def kind_of(number: int, every: int) -> Kind:
    """The kind of program number `number`, of which each `every`-th is hostile; the kinds take turns."""
    if number % every == 0:
        return HOSTILE[number // every % len(HOSTILE)]
    return HARMLESS[number % len(HARMLESS)]


def source_of(kind: Kind, token: str) -> str:
    return kind.source.format(token=token) if kind.name == "files left" else kind.source
