"""One task of a stage: reads its inputs' folders and its options, and nothing else. Every job runs `run_stage`.

A task can be killed at any moment and run again; run twice at once, the second waits, then finds the work done.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from launch import lives
from launch.config import ConfigError
from launch.plan import Stage, read_plan
from launch.progress import (
    LOOK_S,
    UNITS,
    Progress,
    alone,
    done_path,
    done_shards,
    home,
    lock_path,
    progress_path,
    wait_for_shards,
    write_json,
)
from launch.ranks import ALONE, Place, call, heed, place_in

LATE_S = 120.0  # that a file may be later here than on the node that wrote it: network file systems keep names for a minute


@dataclass(frozen=True, slots=True)
class Task:
    """One shard of a stage. Made by `run_stage`; read by the stage's function."""

    run: Path
    stage: Stage
    shard: int
    progress: Callable[..., None]

    def input(self, name: str) -> Path:
        return self.run / self.stage.inputs[name]

    def output(self, name: str) -> Path:
        return self.run / self.stage.outputs[name]


def sample(task: Task) -> None:
    """Programs of a model, batch by batch."""
    from core.evaluate import write_programs_of
    from core.options import DecodingOptions

    options, model = task.stage.options, _model(task)
    decoding = DecodingOptions(**options["decoding"])
    problems, programs, split = task.input("problems"), task.output("programs"), options["split"]
    write_programs_of(model, decoding, problems, programs, split, task.shard, task.stage.shards, task.progress)


def judge(task: Task) -> Any:
    """Verdicts of one shard of the programs."""
    from sandbox.shards import judge_shard

    options, workers = _judging(task.stage.options)
    problems, programs, out = task.input("problems"), task.input("programs"), task.output("judged")
    return judge_shard(problems, programs, out, options, task.shard, task.stage.shards, workers, progress=task.progress)


def finetune(task: Task) -> None:
    """Replay and fine-tuning."""
    from core.btp import finetune as finetune_btp
    from core.options import ReplayOptions, SFTOptions

    options = task.stage.options
    model, replay, sft = _model(task), ReplayOptions(**options["replay"]), SFTOptions(**options["sft"])
    problems, programs, judged = task.input("problems"), task.input("programs"), task.input("judged")
    finetune_btp(model, replay, sft, problems, programs, judged, task.output("training"), task.output("model"), task.progress)


def sft(task: Task) -> None:
    """Fine-tuning on canonical solutions."""
    from core.options import SFTOptions
    from core.solutions import finetune as finetune_on_solutions

    options = SFTOptions(**task.stage.options["sft"])
    model, problems = _model(task), task.input("problems")
    finetune_on_solutions(model, options, problems, task.output("training"), task.output("model"), task.progress)


def stepcoder(task: Task) -> None:
    """Training from test feedback."""
    from core.options import CurriculumOptions, PPOOptions, StepCoderOptions
    from core.stepcoder import train
    from results.training import plot_training

    given = dict(task.stage.options["stepcoder"])
    parts = {"curriculum": CurriculumOptions(**given["curriculum"]), "ppo": PPOOptions(**given["ppo"])}
    judging, workers = _judging(task.stage.options["judge"])
    options, problems, out = StepCoderOptions(**given | parts), task.input("problems"), task.output("training")
    train(_model(task), options, judging, workers, problems, out, task.output("model"), task.progress)
    if place_in(os.environ).first:
        plot_training(out / "steps", out / "training.png")


def _model(task: Task) -> Any:
    """The model's options; its path is the stage's input where it has one."""
    from core.options import ModelOptions

    model = ModelOptions(**task.stage.options["model"])
    if "model" in task.stage.inputs:
        model.path = str(task.input("model"))
    return model


def _judging(given: dict[str, Any]) -> tuple[Any, int]:
    """(the judge's options, its workers)."""
    from sandbox.judge import JudgeOptions
    from sandbox.limits import Limits

    found = {name: given[name] for name in ("nsjail", "python", "trace", "packages", "stop_at_first_failure")}
    return JudgeOptions(Limits(**given["limits"]), **found), given["workers"]


def tables(task: Task) -> None:
    """The pass-rate table in every written format, and its plot."""
    from results.plots import plot_table
    from results.render import render
    from results.tables import pass_rate_table

    out = task.output("tables")
    out.mkdir(parents=True, exist_ok=True)
    points = [task.run / name for name in task.stage.options.get("runs", [])]  # of a sweep
    missing = _missing_points(points)
    if points and len(missing) == len(points):
        raise RuntimeError(f"no point of this sweep is judged whole: {'; '.join(missing)}")
    whole = [point for point in points if point.name not in missing]
    table = pass_rate_table(whole or [task.run], ks=tuple(task.stage.options["ks"]))
    table = dataclasses.replace(table, notes=(*table.notes, *(f"{name}: is not judged whole, and left out" for name in missing)))
    for form in ("md", "csv", "json"):
        beside = out / f"_table.{form}.{os.getpid()}"
        beside.write_text(render(table, form))
        beside.rename(out / f"table.{form}")
    plot_table(table, out / "pass_rate.png")
    task.progress(1, 1)


def _missing_points(points: Sequence[Path]) -> list[str]:
    """Those which lack what their own tables need, after some time for files that are late to be seen."""
    until = time.monotonic() + _late_s()
    plans = {point: read_plan(point) for point in points}
    needed = {point: [stage for stage in plan if stage.name in plan[-1].needs] for point, plan in plans.items()}
    while missing := [
        point.name for point in points if any(len(done_shards(point, stage.name)) < stage.shards for stage in needed[point])
    ]:
        if time.monotonic() >= until:
            return missing
        time.sleep(LOOK_S)
    return []


KINDS: dict[str, Callable[[Task], Any]] = {
    "sample": sample,
    "judge": judge,
    "finetune": finetune,
    "sft": sft,
    "stepcoder": stepcoder,
    "tables": tables,
}


def run_shards(run: Path, name: str, shards: Sequence[int]) -> None:
    """Runs shards of a stage, one after the other. In a job of several tasks each does its share, or is a rank of a training."""
    place = place_in(os.environ)
    training = any(stage.name == name and stage.resources == "train" for stage in read_plan(run))
    for shard in shards if training else shards[place.rank :: place.world]:
        run_stage(run, name, shard, place if training else ALONE)


def run_stage(run: Path, name: str, shard: int, place: Place = ALONE) -> None:
    """Runs one shard of the stage `name` of the plan, unless it is done.

    In a job of several tasks each is a rank of the training: rank 0 decides whether there is work, and keeps its records.
    Raises ConfigError for a stage or shard that the plan does not hold, and whatever the stage raises.
    """
    run = home(run.absolute(), name)
    stages = {stage.name: stage for stage in read_plan(run)}
    if name not in stages:
        raise ConfigError(f"no stage {name!r} in {run / 'plan.json'}; its stages are {', '.join(stages)}")
    stage = stages[name]
    if not 0 <= shard < stage.shards:
        raise ConfigError(f"shard {shard} of stage {name!r} must be from 0 to {stage.shards - 1}")
    done = done_path(run, name, shard)
    lock = lock_path(run, name, shard)
    ranks = lock.with_name(f"{shard}.ranks")
    if not place.first:
        if heed(place, ranks, done):
            _do(stages, Task(run, stage, shard, lambda *_: None))
        return
    with alone(lock, f"{name} {shard}"):
        if done.exists():
            print(f"{name} {shard}: done before")
            return
        outputs = [run / path for path in stage.outputs.values()]
        lives.begin(run / name / "_lives" / f"{shard}.json", f"{name} {shard}", outputs, os.environ)
        if place.world > 1:
            call(place, ranks)
        started = time.time()
        progress = Progress(progress_path(run, name, shard), UNITS.get(stage.kind, "steps"))
        summary = _do(stages, Task(run, stage, shard, progress))
        finished = time.time()
        row = {"seconds": round(finished - started, 3), "host": socket.gethostname(), "finished": finished}
        if dataclasses.is_dataclass(summary) and not isinstance(summary, type):
            row["summary"] = dataclasses.asdict(summary)
        write_json(done, row)
        print(f"{name} {shard}: done in {finished - started:.1f} s")


def _do(stages: Mapping[str, Stage], task: Task) -> Any:
    """The task's work, once all that it needs is to be seen: a node of a training may show late what another shows already."""
    for need in task.stage.needs:
        wait_for_shards(task.run, need, stages[need].shards, _late_s())
    return _function(task.stage.kind)(task)


def _late_s() -> float:
    """How long to wait for files that jobs on other nodes have written."""
    return LATE_S if "SLURM_JOB_ID" in os.environ else 0.0


def _function(kind: str) -> Callable[[Task], Any]:
    """The function of a kind; `module:function` names one that is not of ours."""
    if kind in KINDS:
        return KINDS[kind]
    module, colon, function = kind.partition(":")
    if not colon:
        raise ConfigError(f"stage kind {kind!r} is not one of {', '.join(KINDS)}, nor module:function")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]
