"""Run directories for measuring arrays on Slurm: judging of programs that compute or wait, and tasks that never start."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.datasets import load_problems
from launch import snapshot
from launch.config import ClusterOptions, JudgingOptions
from launch.plan import Run, Stage, to_json
from launch.progress import done_path, read_json
from launch.submit_slurm import cancel, submit
from sandbox.problem import Problem, Program, write_problems, write_programs
from slurm.accounting import queued
from slurm.cluster_files import CPUS

WAIT_S = 2.0  # of a program that waits: its tasks must not be bound by how fast they start
PARTITION = "low"  # the one that has all nodes
NAME = "judge"


def computing(count: int) -> tuple[list[Problem], list[Program]]:
    """The starter set's own solutions, over and over."""
    problems = [problem for problem in load_problems("starter", None) if problem.canonical_solution]
    chosen = [problems[i % len(problems)] for i in range(count)]
    return problems, [Program(problem.problem_id, problem.canonical_solution, sample=i) for i, problem in enumerate(chosen)]


def waiting(count: int) -> tuple[list[Problem], list[Program]]:
    """Programs that sleep: what bounds them is the number of places to run, not the cores."""
    problem = Problem("wait", "", "call", entry_point="wait", inputs=([1],), outputs=(1,))
    source = f"import time\ndef wait(a):\n    time.sleep({WAIT_S})\n    return a\n"
    return [problem], [Program("wait", source, sample=i) for i in range(count)]


WORK = {"computing": computing, "waiting": waiting}


def judge_run(folder: Path, work: str, shards: int, count: int) -> Run:
    """A run directory of one stage that judges so many programs."""
    problems, programs = WORK[work](count)
    folder.mkdir(parents=True)
    write_problems(folder / "problems.jsonl.gz", problems)
    write_programs(folder / "programs", "0", programs)
    options = {key: value for key, value in asdict(JudgingOptions()).items() if key != "shards"}
    inputs = {"problems": "problems.jsonl.gz", "programs": "programs"}
    return _laid_out(Run(folder, (Stage(NAME, "judge", (), shards, "cpu", 1, inputs, {"judged": NAME}, options),)))


def _laid_out(run: Run) -> Run:
    (run.path / "plan.json").write_text(to_json(run.stages))
    snapshot.take(run.path)
    return run


def judged_in(run: Run, nodes: int, of: Sequence[str], limit_s: float = 1200.0) -> float:
    """Seconds from the submission to the last task's end, on the first `nodes`, each of which has room for one task.

    The cluster is idle, so that the first tasks start at once; what every task takes to start counts for all alike.
    """
    parameters: dict[str, Any] = {"partition": PARTITION, "cpus_per_task": CPUS, "mem": "2GB", "time": 60}
    if others := of[nodes:]:
        parameters["exclude"] = ",".join(others)
    (told,) = submit([run], ClusterOptions(kind="slurm", cpu=parameters))
    submitted = time.time()
    (stage,) = run.stages
    until = time.monotonic() + limit_s
    while True:
        rows = [row for i in range(stage.shards) if (row := read_json(done_path(run.path, stage.name, i)))]
        if len(rows) == stage.shards and not queued({told.id}):  # a job writes its last files after its task's
            return float(max(row["finished"] for row in rows) - submitted)
        if time.monotonic() > until:
            cancel([run.path])
            raise RuntimeError(f"{len(rows)} of {stage.shards} tasks ended within {limit_s:.0f} s; the logs are in {run.path}")
        time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Submission:
    """What it took to hand over one array."""

    wall_s: float
    cpu_s: float  # ours and sbatch's
    controller_s: float  # CPU
    cancel_s: float
    calls: int  # of sbatch


def submission(folder: Path, tasks: int, conf: Path) -> Submission:
    """Submits an array that would start in an hour, and cancels it."""
    folder.mkdir(parents=True)
    run = _laid_out(Run(folder, (Stage("later", "toy_stages:never", (), tasks),)))
    parameters = {"partition": PARTITION, "time": 60, "mem": "1GB", "additional_parameters": {"begin": "now+1hour"}}
    before, controller, started = cpu_s(), controller_cpu_s(conf), time.monotonic()
    told = submit([run], ClusterOptions(kind="slurm", cpu=parameters))
    wall_s, used = time.monotonic() - started, cpu_s() - before
    time.sleep(1.0)  # the controller writes its state a moment later
    controller = controller_cpu_s(conf) - controller
    started = time.monotonic()
    cancel([run.path])
    return Submission(wall_s, used, controller, time.monotonic() - started, len(told))


def cpu_s() -> float:
    """Of this process and of those that it waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def controller_cpu_s(conf: Path) -> float:
    """Of the slurmctld that reads this slurm.conf."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            ours = (process / "comm").read_text() == "slurmctld\n" and f"SLURM_CONF={conf}\0" in (process / "environ").read_text()
            words = (process / "stat").read_text().rpartition(")")[2].split() if ours else []
        except OSError:  # ended meanwhile, or not ours to look at
            continue
        if words:
            return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")
    raise RuntimeError(f"no slurmctld of {conf} runs here")


def sizes(run: Path) -> dict[Path, int]:
    """Of every file of a run directory but its code and problems."""
    files = (path for path in run.rglob("*") if path.is_file() and not path.is_symlink())
    found = {path.relative_to(run): path.stat().st_size for path in files}
    return {path: size for path, size in found.items() if path.parts[0] not in ("code", "programs")}
