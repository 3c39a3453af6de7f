"""The command line as a user meets it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.launch.toys import ROOT


def launch(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "launch", *argv], cwd=ROOT, capture_output=True, text=True, timeout=60)


def test_help_is_quick_and_light():
    started = time.monotonic()
    told = launch("--help")
    assert time.monotonic() - started < 1
    assert told.returncode == 0
    for word in ("experiment=demo", "status RUN", "demo", "humaneval", "--dry-run"):
        assert word in told.stdout
    imports = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "launch", "--help"], cwd=ROOT, capture_output=True, text=True
    ).stderr
    for heavy in ("torch", "hydra", "submitit", "pyarrow", "numpy"):
        assert f"| {heavy}\n" not in imports.replace("|   ", "| ").replace("  ", ""), heavy


def test_no_argument_shows_the_help():
    told = launch()
    assert told.returncode == 2
    assert "examples:" in told.stderr


@pytest.mark.parametrize(
    ("argv", "part"),
    [
        (
            ["experiment=foo"],
            "launch: error: experiment=foo: no such config; choose from ablation, ablation_mbpp, ablation_start, demo",
        ),
        (["experiment=demo", "sft.lr=1"], "sft.lr=1: no such key"),
        (["--frobnicate"], "--frobnicate: no such option; valid are --cfg"),
        (["experiment=demo", "data.train.split=no"], "data.train.split=no"),
        (
            ["experiment=demo", "cluster=slurm", "cluster.cpu.acount=me", "--dry-run"],
            "cluster.cpu: 'acount' is not a parameter of slurm",
        ),
        (["status", "/no/run"], "/no/run is no run directory"),
    ],
)
def test_bad_input(argv, part, tmp_path):
    run = tmp_path / "run"
    told = launch(*argv, *([f"run_dir={run}"] if argv[0].startswith("experiment") else []))
    assert told.returncode == 2
    assert part in told.stderr
    assert len(told.stderr.splitlines()) == 1
    assert not run.exists()


def test_config_and_plan_are_printed_and_nothing_is_written(tmp_path):
    run = tmp_path / "run"
    told = launch("experiment=demo", f"run_dir={run}", "--cfg")
    assert "max_new_tokens: 96" in told.stdout
    told = launch("--dry-run", "experiment=demo", f"run_dir={run}")
    assert told.stdout.splitlines()[0].split() == ["sample-train", "sample", "1", "task", "gpu", "at", "once"]
    assert not run.exists()
