"""One run on this machine, real in every stage, for the tests that want its like on a cluster or broken."""

import os

import pytest

from sandbox.problem import write_problems
from tests.launch.whole import problems, rows, start, write_model


@pytest.fixture(scope="session")
def unbroken(tmp_path_factory):
    """(model, problems' file, rows of the run)."""
    folder = tmp_path_factory.mktemp("whole")
    model, data = write_model(folder / "model"), folder / "problems.jsonl"
    write_problems(data, problems())
    assert start(folder / "run", model, data).wait(300) == 0, (folder / "run.err").read_text()
    expected = rows(folder / "run")
    assert len({row[3] for row in expected["judge-after"]}) > 1, "all verdicts alike: nothing would be seen"
    return model, data, expected


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Slurm's commands as scripts, of a cluster where nothing runs; gives what changes one."""

    def command(name: str, script: str) -> None:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    command("scontrol", "echo 'MaxArraySize = 1001'")
    command("scancel", f"echo $* >> {tmp_path}/cancelled")
    for name in ("squeue", "srun", "sacct"):
        command(name, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    return command
