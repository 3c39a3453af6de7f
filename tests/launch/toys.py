"""Cheap stages and a driver of their own, run as the real ones are: in jobs, from the run's code snapshot."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from launch.plan import Stage, to_json

ROOT = Path(__file__).resolve().parents[2]

TOY = """
import os, time
from pathlib import Path

def work(task):
    options = task.stage.options
    log = task.run / "ran.log"
    def note(word):
        with log.open("a") as file:
            file.write(f"{word} {task.stage.name} {task.shard} {os.getpid()}\\n")
    note("start")
    if task.shard in options.get("fail", []) and not Path(options.get("fail_until", "/no")).exists():
        raise ZeroDivisionError("the toy broke: \\u00e9")
    steps = options.get("steps", 1)
    for step in range(steps):
        time.sleep(options.get("seconds", 0.0) / steps)
        task.progress(step + 1, steps)
    while options.get("wait_for") and not Path(options["wait_for"]).exists():
        time.sleep(0.02)
    note("end")

def mark(task):
    from core.mark import VALUE
    (task.run / "mark").write_text(VALUE + " " + os.environ["OMP_NUM_THREADS"] + " " + os.environ["OMP_WAIT_POLICY"])
"""

DRIVER = """
import sys
from pathlib import Path
from launch import snapshot
from launch.config import ClusterOptions
from launch.plan import Run, read_plan
from launch.submit import drive
run = Path(sys.argv[1])
snapshot.take(run)
sys.exit(drive(Run(run, read_plan(run)), ClusterOptions(cpu_slots=int(sys.argv[2]))))
"""


def toy(
    name: str, needs: tuple[str, ...] = (), shards: int = 1, kind: str = "toy_stages:work", resources="cpu", **options
) -> Stage:
    return Stage(name, kind, needs, shards, resources, options=options)


def make_run(tmp_path: Path, *stages: Stage) -> Path:
    (tmp_path / "toys").mkdir(exist_ok=True)
    (tmp_path / "toys" / "toy_stages.py").write_text(TOY)
    run = tmp_path / "a run's folder"
    run.mkdir()
    (run / "plan.json").write_text(to_json(stages))
    return run


def environment(run: Path) -> dict[str, str]:
    hidden = ("SLURM_", "SUBMITIT_", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    return env | {"PYTHONPATH": str(run.parent / "toys")}


def start(run: Path, slots: int = 2, root: Path = ROOT) -> subprocess.Popen[bytes]:
    """A driver; its jobs keep its standard error open when they outlive it, so that is a file and no pipe."""
    argv = [sys.executable, "-c", DRIVER, str(run), str(slots)]
    with (run / "driver.err").open("wb") as err:
        return subprocess.Popen(argv, cwd=root, env=environment(run), stderr=err, stdin=subprocess.DEVNULL)


def end(driver: subprocess.Popen[bytes], run: Path, seconds: float = 60.0) -> tuple[int, str]:
    """Exit status and standard error of a driver."""
    return driver.wait(seconds), (run / "driver.err").read_text()


def finish(run: Path, slots: int = 2) -> tuple[int, str]:
    return end(start(run, slots), run)


def start_task(run: Path, stage: str, shard: int = 0) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "launch", "stage", str(run), stage, "--shard", str(shard)]
    return subprocess.Popen(argv, cwd=ROOT, env=environment(run), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def ran(run: Path, word: str = "end") -> list[tuple[str, int]]:
    """(stage, shard) of every time that a toy noted `word`, in order."""
    path = run / "ran.log"
    rows = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [(name, int(shard)) for noted, name, shard, _ in rows if noted == word]


def workers(run: Path) -> list[int]:
    """Process ids that noted a start."""
    return [int(line.split()[3]) for line in (run / "ran.log").read_text().splitlines() if line.startswith("start")]


def wait_until(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
