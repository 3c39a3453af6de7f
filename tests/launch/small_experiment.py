"""A whole experiment that Slurm can do in half a minute: judge array, StepCoder on two nodes, sampling, judge array, table."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from core.options import CurriculumOptions, DecodingOptions, ModelOptions, PPOOptions, StepCoderOptions
from launch import snapshot
from launch.config import ClusterOptions, JudgingOptions
from launch.plan import Run, Stage, read_plan, to_json
from launch.submit_slurm import Submitted, submit
from results.parts import read_parts
from sandbox.limits import Limits
from sandbox.problem import Program, write_problems, write_programs
from tests.launch.whole import ANSWERS, PROGRAM, problems

STEPS = 10
CHECKPOINT_STEPS = 2
JUDGED = 48  # programs of the first judge array, four tasks of five seconds
SMALL = {"time": 30, "mem": "1GB", "cpus_per_task": 1}


def cluster(**more: Any) -> ClusterOptions:
    """Two nodes to train on; all jobs are given `more`."""
    train = {"nodes": 2, "ntasks_per_node": 1} | SMALL
    named = {"train": train | {"partition": "gpu"}, "gpu": SMALL | {"partition": "gpu"}, "cpu": SMALL | {"partition": "cpu"}}
    return ClusterOptions(kind="slurm", **{name: given | more for name, given in named.items()})


def stages(model: Path) -> list[Stage]:
    """Each after the one before it."""
    base = asdict(ModelOptions(path=str(model), device="cpu", dtype="float32", author="tiny"))
    tuned = base | {"author": "tiny+stepcoder"}
    judging = {key: value for key, value in asdict(JudgingOptions(limits=Limits(wall_s=60.0))).items() if key != "shards"}
    ppo = PPOOptions(learning_rate=3e-4, critic_learning_rate=3e-4, minibatches=1)
    options = StepCoderOptions(
        steps=STEPS,
        problems_per_step=2,
        rollouts_per_problem=4,
        max_new_tokens=60,
        most_kl=0.0,
        checkpoint_every_steps=CHECKPOINT_STEPS,
        curriculum=CurriculumOptions(enabled=False),
        ppo=ppo,
    )
    decoding = DecodingOptions(method="sample", programs_per_problem=2, max_new_tokens=60, problems_per_batch=2)
    data = {"problems": "problems.jsonl.gz"}
    train = {"model": base, "stepcoder": asdict(options), "judge": judging}
    sample = {"model": tuned, "decoding": asdict(decoding), "split": "test"}

    def judge(name: str, programs: str, shards: int, needs: tuple[str, ...]) -> Stage:
        return Stage(name, "judge", needs, shards, "cpu", 1, data | {"programs": programs}, {"judged": name}, judging)

    return [
        judge("judge-before", "given", 4, ()),
        Stage("train", "stepcoder", ("judge-before",), 1, "train", 0, data, {"training": "train", "model": "trained"}, train),
        Stage("sample", "sample", ("train",), 1, "gpu", 0, data | {"model": "trained"}, {"programs": "sample"}, sample),
        judge("judge-after", "sample", 2, ("sample",)),
        Stage("tables", "tables", ("judge-before", "judge-after"), outputs={"tables": "tables"}, options={"ks": [1]}),
    ]


def make(run: Path, model: Path) -> Path:
    """The run directory, ready to be submitted."""
    run.mkdir(parents=True)
    (run / "plan.json").write_text(to_json(tuple(stages(model))))
    write_problems(run / "problems.jsonl.gz", problems())
    one = Program("p0", "", 0, "tiny", "test")
    programs = [
        replace(one, problem_id=f"p{i % 8}", sample=i // 8, program=PROGRAM.format(i * i % ANSWERS)) for i in range(JUDGED)
    ]
    write_programs(run / "given", "00000", programs)
    snapshot.take(run)
    return run


def go(run: Path, options: ClusterOptions) -> list[Submitted]:
    """Submits what is missing."""
    return submit([Run(run, read_plan(run))], options)


def rows(run: Path) -> dict[str, list[Any]]:
    """All that must not depend on faults: programs, verdicts, traces, likelihoods, what each step learnt, the table. No timings."""
    found: dict[str, list[Any]] = {"table": (run / "tables" / "table.csv").read_text().splitlines()}
    columns = {
        "judge-before/programs": ["program_row", "problem_id", "sample", "verdict", "tests_passed"],
        "judge-before/tests": ["program_row", "test", "verdict", "executed_lines"],
        "train/steps": ["step", "reward", "kl", "policy_loss", "value_loss"],
        "train/rollouts": ["step", "problem_id", "program", "verdict", "reward", "logprob_sum"],
        "sample": ["problem_id", "sample", "program", "logprob_sum"],
        "judge-after/programs": ["program_row", "problem_id", "sample", "verdict", "tests_passed"],
        "judge-after/tests": ["program_row", "test", "verdict", "executed_lines"],
    }
    for folder, names in columns.items():
        found[folder] = sorted(str(tuple(row.values())) for row in read_parts(run / folder, names).to_pylist())
    return found
