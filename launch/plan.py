"""A run's stages as plain data: what each needs, reads and writes. Nothing here knows a driver or a job."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.options import DecodingOptions
from launch.config import Config, ConfigError

Resources = Literal["train", "gpu", "cpu"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a run. Made by `plan`; read by the driver and by every task of the stage.

    It is a function of its inputs' folders and its options, split into `shards` tasks that know nothing of each other.
    """

    name: str  # its folder in the run directory
    kind: str  # a key of launch.stages.KINDS, or module:function
    needs: tuple[str, ...]  # stages that must be whole before
    shards: int = 1
    resources: Resources = "cpu"
    cpus: int = 1  # cores of a task; 0: all that there are
    inputs: dict[str, str] = field(default_factory=dict)  # name → path, relative to the run directory
    outputs: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)  # plain JSON values


@dataclass(frozen=True, slots=True)
class Run:
    """A run directory and its plan. Made by `launch.prepare`; read by what drives or submits it."""

    path: Path
    stages: tuple[Stage, ...]


def plan(config: Config) -> tuple[Stage, ...]:
    """The stages of a run, in an order in which each stands after what it needs.

    A model that is new or to be warmed up, its programs on the test problems, training, the trained model's programs on the same
    problems, tables. Stages that can start earlier stand earlier: among ready ones the driver takes the first.
    """
    base = _base(config)
    warm = _warm_up(config, base)
    *first, trained = TRAININGS[config.method.kind](config, base, warm)  # what the training learns from goes before
    judged = {name: f"judge-{name}" for name in ("before", "after")}
    tables = Stage(
        "tables",
        "tables",
        tuple(judged.values()),
        inputs=judged,
        outputs={"tables": "tables"},
        options={"ks": list(config.tables.ks)},
    )
    decoding = config.method.test_decoding
    before = _sample(config, "sample-before", "test", decoding, base, warm)
    tuned = base | {"author": f"{base['author']}+{config.method.name}"}
    return (
        *([warm] if warm else []),
        *first,
        before,
        _judge(config, judged["before"], "test", before.name),
        trained,
        _sample(config, "sample-after", "test", decoding, tuned, trained),
        _judge(config, judged["after"], "test", "sample-after"),
        tables,
    )


def _base(config: Config) -> dict[str, Any]:
    author = config.model.author or Path(config.model.path).name.rpartition(":")[2]
    return asdict(replace(config.model, author=author))


def _warm_up(config: Config, base: dict[str, Any]) -> Stage | None:
    """SFT on the canonical solutions of the warm-up problems, where there are any."""
    if not config.data.warmup.name:
        return None
    outputs = {"training": "warmup", "model": "checkpoints/warmup"}
    options = {"model": base, "sft": asdict(config.method.warmup)}
    return Stage("warmup", "sft", (), 1, "train", 0, {"problems": "problems/warmup.jsonl.gz"}, outputs, options)


def _sample(
    config: Config, name: str, problems: str, decoding: DecodingOptions, model: dict[str, Any], made_by: Stage | None
) -> Stage:
    """Programs of a model: of the folder that a stage made, else of the base model."""
    inputs = {"problems": f"problems/{problems}.jsonl.gz"} | ({"model": made_by.outputs["model"]} if made_by else {})
    options = {"model": model, "decoding": asdict(decoding), "split": problems}
    return Stage(name, "sample", _needs(made_by), config.sampling.shards, "gpu", 0, inputs, {"programs": name}, options)


def _judge(config: Config, name: str, problems: str, programs: str) -> Stage:
    judge = config.judge
    inputs = {"problems": f"problems/{problems}.jsonl.gz", "programs": programs}
    return Stage(name, "judge", (programs,), judge.shards, "cpu", judge.workers, inputs, {"judged": name}, _judging(config))


def _judging(config: Config) -> dict[str, Any]:
    """How each program is judged, wherever that is."""
    return {key: value for key, value in asdict(config.judge).items() if key != "shards"}


def _needs(*stages: Stage | None) -> tuple[str, ...]:
    return tuple(stage.name for stage in stages if stage)


def _train(name: str, kind: str, warm: Stage | None, needs: tuple[str, ...], inputs: dict[str, str], options: Any) -> Stage:
    """A stage that trains the base model, or the warmed-up one, to `checkpoints/NAME`."""
    start = {"model": warm.outputs["model"]} if warm else {}
    outputs = {"training": name, "model": f"checkpoints/{name}"}
    return Stage(name, kind, (*needs, *_needs(warm)), 1, "train", 0, inputs | start, outputs, options)


def _btp(config: Config, base: dict[str, Any], warm: Stage | None) -> list[Stage]:
    """BTP in self mode: the model's own programs, tested, drawn by priority."""
    method = config.method
    sample = _sample(config, "sample-train", "train", method.train_decoding, base, warm)
    judge = _judge(config, "judge-train", "train", sample.name)
    inputs = {"problems": "problems/train.jsonl.gz", "programs": sample.name, "judged": judge.name}
    options = {"model": base, "replay": asdict(method.replay), "sft": asdict(method.sft)}
    return [sample, judge, _train("finetune", "finetune", warm, (sample.name, judge.name), inputs, options)]


def _sft(config: Config, base: dict[str, Any], warm: Stage | None) -> list[Stage]:
    """Fine-tuning on the canonical solutions."""
    options = {"model": base, "sft": asdict(config.method.sft)}
    return [_train("train", "sft", warm, (), {"problems": "problems/train.jsonl.gz"}, options)]


def _stepcoder(config: Config, base: dict[str, Any], warm: Stage | None) -> list[Stage]:
    """Training from test feedback; its rollouts are judged where they are made."""
    options = {"model": base, "stepcoder": asdict(config.method.stepcoder), "judge": _judging(config)}
    return [_train("train", "stepcoder", warm, (), {"problems": "problems/train.jsonl.gz"}, options)]


TRAININGS: dict[str, Callable[[Config, dict[str, Any], Stage | None], list[Stage]]] = {
    "btp": _btp,
    "sft": _sft,
    "stepcoder": _stepcoder,
}


def to_json(stages: tuple[Stage, ...]) -> str:
    """The plan as a JSON list, a stage an object."""
    return json.dumps([asdict(stage) for stage in stages], indent=1) + "\n"


def from_json(text: str) -> tuple[Stage, ...]:
    """The plan that `to_json` wrote. Raises ValueError where a stage needs one that does not stand before it."""
    stages = tuple(Stage(**row | {"needs": tuple(row["needs"])}) for row in json.loads(text))
    before: set[str] = set()
    for stage in stages:
        for need in stage.needs:
            if need not in before:
                raise ValueError(f"stage {stage.name!r} needs {need!r}, which is not a stage before it ({', '.join(before)})")
        before.add(stage.name)
    return stages


def read_plan(run: Path) -> tuple[Stage, ...]:
    """The plan of a run directory. Raises ConfigError where there is none."""
    path = run / "plan.json"
    if not path.is_file():
        raise ConfigError(f"{run} is no run directory: it holds no plan.json")
    return from_json(path.read_text())


def described(stages: tuple[Stage, ...]) -> str:
    """The plan as lines for a person."""
    width = max(len(stage.name) for stage in stages)
    lines = []
    for stage in stages:
        tasks = f"{stage.shards} task{'s' if stage.shards > 1 else ''}"
        needs = f"after {', '.join(stage.needs)}" if stage.needs else "at once"
        lines.append(f"{stage.name:{width}}  {stage.kind:8}  {tasks:>9}  {stage.resources}  {needs}")
    return "\n".join(lines)
