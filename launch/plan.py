"""A run's stages as plain data: what each needs, reads and writes. Nothing here knows a driver or a job."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from core.options import DecodingOptions
from launch.config import Config, ConfigError

Resources = Literal["gpu", "cpu"]


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


def plan(config: Config) -> tuple[Stage, ...]:
    """The stages of BTP in self mode, in an order in which each stands after what it needs.

    Stages that can start earlier stand earlier: among ready ones the driver takes the first.
    """
    method, judge = config.method, config.judge
    author = config.model.author or Path(config.model.path).name.rpartition(":")[2]
    base = asdict(replace(config.model, author=author))
    tuned = asdict(replace(config.model, author=f"{author}+{method.name}"))
    checkpoint = "checkpoints/finetune"

    def sample(name: str, problems: str, decoding: DecodingOptions, needs: tuple[str, ...] = ()) -> Stage:
        """Programs of the base model, or of the tuned one where the stage needs the fine-tuning."""
        inputs = {"problems": f"problems/{problems}.jsonl.gz"} | ({"model": checkpoint} if needs else {})
        options = {"model": tuned if needs else base, "decoding": asdict(decoding), "split": problems}
        return Stage(name, "sample", needs, 1, "gpu", 0, inputs, {"programs": name}, options)

    def judged(name: str, problems: str, programs: str) -> Stage:
        inputs = {"problems": f"problems/{problems}.jsonl.gz", "programs": programs}
        options = {name: value for name, value in asdict(judge).items() if name != "shards"}
        return Stage(name, "judge", (programs,), judge.shards, "cpu", judge.workers, inputs, {"judged": name}, options)

    finetune = Stage(
        "finetune",
        "finetune",
        ("sample-train", "judge-train"),
        1,
        "gpu",
        0,
        {"problems": "problems/train.jsonl.gz", "programs": "sample-train", "judged": "judge-train"},
        {"training": "finetune", "model": checkpoint},
        {"model": base, "replay": asdict(method.replay), "sft": asdict(method.sft)},
    )
    tables = Stage(
        "tables",
        "tables",
        ("judge-before", "judge-after"),
        inputs={"before": "judge-before", "after": "judge-after"},
        outputs={"tables": "tables"},
        options={"ks": list(config.tables.ks)},
    )
    return (
        sample("sample-train", "train", method.train_decoding),
        judged("judge-train", "train", "sample-train"),
        sample("sample-before", "test", method.test_decoding),
        judged("judge-before", "test", "sample-before"),
        finetune,
        sample("sample-after", "test", method.test_decoding, ("finetune",)),
        judged("judge-after", "test", "sample-after"),
        tables,
    )


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
