"""submitit as stepbatch uses it: on this machine for real, on Slurm as far as the batch script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slurm import again
from slurm.command import Command
from slurm.jobs import submit_array, tail
from tests.launch.toys import alive, wait_until


def python(code: str, cwd: Path, **env: str | None) -> Command:
    return Command([sys.executable, "-c", code], str(cwd), env)


def wait(jobs):
    wait_until(lambda: all(job.ended() for job in jobs))


def test_array_of_commands(tmp_path):
    (tmp_path / "it's here").mkdir()
    code = "import os; open(os.environ['NAME'] + str('GONE' in os.environ), 'w')"
    os.environ["GONE"] = "1"
    commands = [python(code, tmp_path / "it's here", NAME=name, GONE=None) for name in "ab"]
    jobs = submit_array("local", tmp_path / "logs", "array", commands)
    wait(jobs)
    del os.environ["GONE"]
    assert sorted(os.listdir(tmp_path / "it's here")) == ["aFalse", "bFalse"]
    assert len({job.id for job in jobs}) == 2
    assert all(job.log.exists() for job in jobs)


def test_error_is_the_end_of_the_commands_own_log(tmp_path):
    noise = "import sys; sys.stderr.buffer.write(b'\\xff not UTF-8\\n' * 40 + b'the cause\\n'); sys.exit(7)"
    jobs = submit_array(
        "local", tmp_path, "bad", [python(noise, tmp_path), python("import os; os.kill(os.getpid(), 9)", tmp_path)]
    )
    wait(jobs)
    lines = jobs[0].error().splitlines()
    assert "the cause" in lines[-2]
    assert lines[-1].endswith("ended with exit status 7")
    assert len(lines) == 26
    assert "signal 9 (SIGKILL)" in jobs[1].error()


def test_cancel_ends_the_command_and_its_children(tmp_path):
    code = "import os, subprocess, time; p = subprocess.Popen(['sleep', '60']); "
    code += "open('pids', 'w').write(f'{os.getpid()} {p.pid}'); time.sleep(60)"
    (job,) = submit_array("local", tmp_path, "long", [python(code, tmp_path)])
    pids = tmp_path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    assert not job.ended()
    job.cancel()
    wait([job])
    wait_until(lambda: not any(alive(int(pid)) for pid in pids.read_text().split()), 5)


def test_a_cancelled_command_has_time_to_save(tmp_path):
    (job,) = submit_array("local", tmp_path, "trains", [python(TRAINS.replace("SIGUSR2", "SIGTERM"), tmp_path)])
    wait_until((tmp_path / "started").exists)
    for _ in range(3):
        job.cancel()
        time.sleep(0.1)
    wait([job])
    assert (tmp_path / "saved").exists()


def test_command_dies_with_its_job(tmp_path):
    code = "import os, time; open('pids', 'w').write(f'{os.getpid()} {os.getppid()}'); time.sleep(60)"
    (job,) = submit_array("local", tmp_path, "long", [python(code, tmp_path)])
    pids = tmp_path / "pids"
    wait_until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    own, parent = map(int, pids.read_text().split())
    os.kill(parent, 9)
    wait_until(lambda: not alive(own), 5)
    wait([job])


def test_a_command_is_sent_whole(tmp_path, monkeypatch):
    """A job that waits in a queue must not import today's `slurm.command`."""
    (tmp_path / "slurm").mkdir()
    (tmp_path / "slurm" / "__init__.py").write_text("raise ImportError('the live tree was imported')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    (job,) = submit_array("local", tmp_path / "logs", "x", [python("open('ran', 'w')", tmp_path)])
    wait([job])
    assert (tmp_path / "ran").exists(), job.error()


def test_slurm_array_script(tmp_path, monkeypatch):
    """The one array and its parameters, as sbatch is handed them."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, does in {
        "sbatch": 'cp "$1" "$0.seen"; echo Submitted batch job 77',
        "srun": "",
        "squeue": "",
        "sacct": "",
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{does}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    parameters = {
        "partition": "cpu",
        "mem": "4GB",
        "time": 90,
        "cpus_per_task": 3,
        "array_parallelism": 2,
        "additional_parameters": {"mail-user": "a@b"},
    }
    jobs = submit_array("slurm", tmp_path / "logs", "judge-train", [python("", tmp_path)] * 3, parameters)
    assert [job.id for job in jobs] == ["77_0", "77_1", "77_2"]
    text = (programs / "sbatch.seen").read_text()
    for line in ("--array=0-2%2", "--partition=cpu", "--mem=4GB", "--time=90", "--job-name=judge-train", "--mail-user=a@b"):
        assert f"#SBATCH {line}\n" in text
    assert "--kill-on-bad-exit=1 --cpus-per-task=3 " in text  # srun does not take the number over from sbatch
    assert jobs[1].log == tmp_path / "logs" / "77_1_0_log.err"


def test_a_users_own_defaults_for_sbatch_hold_where_the_parameters_are_silent(tmp_path, monkeypatch):
    for name, script in {"sbatch": 'env > "$0.env"; echo Submitted batch job 77', "srun": "", "squeue": "", "sacct": ""}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for name in ("ACCOUNT", "PARTITION", "RESERVATION", "TIMELIMIT", "ARRAY_INX"):
        monkeypatch.setenv(f"SBATCH_{name}", "7")
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    parameters = {"partition": "cpu", "additional_parameters": {"reservation": "spring"}}
    submit_array("slurm", tmp_path / "logs", "x", [python("", tmp_path)], parameters)
    seen = [line for line in (tmp_path / "sbatch.env").read_text().splitlines() if line.startswith(("SBATCH_", "SLURM_JOB"))]
    assert seen == ["SBATCH_ACCOUNT=7"]  # the others would win over the script's lines
    assert os.environ["SBATCH_TIMELIMIT"] == "7"


def test_tail(tmp_path):
    log = tmp_path / "log"
    assert "never started" in tail(log)
    log.write_text("")
    assert "empty" in tail(log)
    log.write_text("a\nb\nc\n")
    assert tail(log, 2) == "b\nc"
    log.write_text(
        "submitit ERROR (1) - Submitted job triggered an exception\nTraceback\n  x\nRuntimeError: it ended with exit status 3\n"
    )
    assert tail(log) == "it ended with exit status 3"


TRAINS = """
import os, signal, sys, time
asked = []
signal.signal(signal.SIGUSR2, lambda *_: asked.append(1))
open("started", "w")
while not asked or "deaf" in sys.argv:
    time.sleep(0.01)
time.sleep(0.3)
open("saved", "w")
signal.signal(signal.SIGUSR2, signal.SIG_DFL)
signal.raise_signal(signal.SIGUSR2)
"""
WRAPS = """
import os, sys
from slurm import command
command.LOOK_S = float(os.environ[command.SAVE])
command.Command([sys.executable, "-c", sys.argv[1], *sys.argv[2:]], os.getcwd(), {})()
"""


def as_on_slurm(folder: Path, save_s: str, *argv: str) -> subprocess.Popen[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("SLURM_")}
    env |= {
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "SUBMITIT_EXECUTOR": "slurm",
        "SUBMITIT_FOLDER": str(folder),
        "SLURM_JOB_ID": "7",
        "STEPBATCH_SAVE_S": save_s,
    }
    return subprocess.Popen([sys.executable, "-c", WRAPS, *argv], cwd=folder, env=env, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGUSR2, signal.SIGTERM])
@pytest.mark.parametrize(("seconds", "more", "saved"), [("30", [], True), ("0.3", ["deaf"], False)])
def test_told_to_end_a_command_saves_or_is_late_and_says_so(tmp_path, seconds, more, saved, number):
    with as_on_slurm(tmp_path, seconds, TRAINS.replace("SIGUSR2", number.name), *more) as job:
        wait_until((tmp_path / "started").exists)
        job.send_signal(number)
        _, said = job.communicate(timeout=60)
    assert (said, job.returncode, (tmp_path / "saved").exists()) == ("", 1, saved)
    assert again.told(tmp_path / "7.0.0.ended") == {0: again.TOLD_TO_END}


@pytest.mark.parametrize(
    ("code", "status", "said"), [("os.kill(os.getpid(), 9)", -9, ""), ("sys.exit(3)", 3, "exit status 3"), ("0", 0, "")]
)
def test_a_command_on_slurm_tells_how_it_ended(tmp_path, code, status, said):
    with as_on_slurm(tmp_path, "0.1", f"import os, sys; {code}") as job:
        _, log = job.communicate(timeout=60)
    assert again.told(tmp_path / "7.0.0.ended") == {0: status}
    assert job.returncode == (status != 0)
    assert log.strip().endswith(said)


def test_an_array_on_a_real_slurm(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    monkeypatch.setenv("SLURM_JOB_ID", "12345")  # as in a job that submits others
    code = "import os, sys; open(sys.argv[0] + os.environ['NAME'], 'w').write(os.environ['SLURM_JOB_ID']); sys.exit(os.environ['NAME'] == 'b')"
    commands = [python(code, tmp_path, NAME=name) for name in "ab"]
    jobs = submit_array("slurm", tmp_path / "logs", "array", commands, {"partition": "cpu", "mem": "200MB", "time": 5})
    wait_until(lambda: all(job.ended() for job in jobs))
    assert [(tmp_path / f"-c{name}").read_text() != "12345" for name in "ab"] == [True, True]
    wait_until(lambda: "ended with exit status 1" in jobs[1].error())  # submitit writes the result first
