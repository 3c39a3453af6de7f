"""Makes a run directory, or finds it as an earlier start left it; everything that bad input can break is checked first."""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.model_files import find_model
from core.options import ModelOptions
from launch import snapshot
from launch.compose import read_flat, to_yaml
from launch.config import ClusterOptions, Config, ConfigError, SourceOptions, leaves
from launch.plan import Run, plan, read_plan, to_json
from launch.progress import done_shards, held, home, lock_path
from sandbox.problem import Problem, write_problems
from slurm.jobs import ParameterError, check_names
from slurm.jobs import check as check_cluster

SWEEP = "sweep.json"  # what makes a folder a sweep: the names of its points
NEW_MODEL = re.compile(r"new:[1-9]\d*x[1-9]\d*")  # core.small says the rest
FREE = ("run_dir", "cluster.")  # may change from start to start: they change no row
_TRAINING = ("checkpoint_every_steps", "micro_batch_size")
# May change while the stage that they belong to is not done; then the plan is written anew.
OPEN = (
    *(f"method.{name}.{key}" for name in ("sft", "warmup") for key in _TRAINING),
    *(f"method.stepcoder.{key}" for key in ("steps", "checkpoint_every_steps", "most_judge_errors", "most_kl")),
    "method.stepcoder.ppo.micro_batch_size",
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A config that may run. Made by `check`; read by `lay_out`."""

    config: Config
    problems: Mapping[str, Sequence[Problem] | Path]  # by file's name; of a sweep, the path where an earlier point has them
    changed: bool = False  # whether the run directory has a plan of other values of `OPEN`


def prepare(config: Config) -> Run:
    """Makes the run directory, or finds it as an earlier start left it. Raises ConfigError before anything is written."""
    checked = check(config)
    if checked.changed:
        _check_point(_path(config), config)
    return lay_out(checked)


def check(config: Config, like: Checked | None = None) -> Checked:
    """Checks cluster, model, problems and what the run directory holds. Raises ConfigError.

    like: an earlier point of the same sweep, whose problems need not be read again.
    """
    check_parameters(config.cluster)
    changed = _check_run(_path(config), config)
    check_model(config.model.path)
    sources = {name: getattr(config.data, name) for name in ("train", "test", "warmup")}
    problems: dict[str, Sequence[Problem] | Path] = {}
    for name, source in sources.items():
        if like and source.name and getattr(like.config.data, name) == source:
            problems[name] = _path(like.config) / "problems" / f"{name}.jsonl.gz"
        elif source.name:
            problems[name] = load(source, f"data.{name}")
    train, test = problems["train"], problems["test"]
    if not isinstance(train, Path) and not isinstance(test, Path):
        both = {p.problem_id for p in train} & {p.problem_id for p in test}
        if both:
            print(f"launch: warning: {len(both)} problems are in train and in test, {min(both)!r} first", file=sys.stderr)
    return Checked(config, problems, changed)


def lay_out(checked: Checked, code: Path | None = None) -> Run:
    """Writes what is missing of the run directory. A run that began keeps its plan as it keeps its code.

    code: the snapshot of a sweep, to be linked to.
    """
    config, run = checked.config, _path(checked.config)
    run.mkdir(parents=True, exist_ok=True)
    for name, listed in checked.problems.items():
        path = run / "problems" / f"{name}.jsonl.gz"
        if path.exists():
            continue
        if isinstance(listed, Path):
            path.parent.mkdir(exist_ok=True)
            path.symlink_to(os.path.relpath(listed, path.parent))
        else:
            write_problems(path, listed)
    if code and not (run / "code").exists():
        (run / "code").symlink_to(os.path.relpath(code, run))
    snapshot.take(run)
    if checked.changed or not (run / "plan.json").exists():
        _write(run / "plan.json", to_json(plan(config)))
    if checked.changed or not (run / "config.yaml").exists():
        _write(run / "config.yaml", to_yaml(config))
    if snapshot.digest() != snapshot.digest(run / "code"):
        was, now = snapshot.digest(run / "code"), snapshot.digest()
        print(f"launch: the code has changed since this run began ({was}, now {now}): it goes on with its own", file=sys.stderr)
    return Run(run, read_plan(run))


def _path(config: Config) -> Path:
    return Path(os.path.abspath(Path(config.run_dir).expanduser()))  # without `..`, as links between points are read


def check_parameters(cluster: ClusterOptions, submits: bool = True) -> None:
    """Raises ConfigError for what sbatch would not know, and where there is no Slurm to submit to, for one who submits."""
    for name in ("train", "gpu", "cpu"):
        try:
            (check_cluster if submits else check_names)(cluster.kind, getattr(cluster, name))
        except ParameterError as error:
            raise ConfigError(f"cluster.{name}: {error}") from error
    gpus, ranks = cluster.train.get("gpus_per_node"), cluster.train.get("ntasks_per_node") or 1
    parts = str(gpus or "0").split(",")  # such as 4, a100 (one), a100:4 or a100:2,v100:2
    held = sum(int(found[0]) if (found := re.findall(r"(?:^|:)(\d+)$", part)) else 1 for part in parts)
    if 0 < held < ranks:
        raise ConfigError(
            f"cluster.train.ntasks_per_node={ranks}: each of these ranks needs a GPU, and cluster.train.gpus_per_node={gpus}; "
            f"set it to {ranks}, or to 0 where training runs on CPUs"
        )


def load(source: SourceOptions, key: str) -> list[Problem]:
    """The problems of a source; with a limit, so many of them, evenly spaced. Raises ConfigError with the keys to mend."""
    from core.datasets import load_problems

    try:
        problems = load_problems(source.name, source.split)
    except (ValueError, FileNotFoundError) as error:
        raise ConfigError(f"{key}.name={source.name} {key}.split={source.split}: {error}") from error
    if not problems:
        raise ConfigError(f"{key}.name={source.name}: holds no problem")
    if source.limit is None or source.limit >= len(problems):
        return problems
    return [problems[index * len(problems) // source.limit] for index in range(source.limit)]


def check_model(path: str) -> None:
    """Raises ConfigError where a local folder or a package does not hold a model; a name on a hub is not looked up."""
    if path.startswith("new:"):
        if not NEW_MODEL.fullmatch(path):
            raise ConfigError(
                f"model.path={path}: a new model is new:LAYERSxWIDTH, the width a multiple of 32, such as new:4x192"
            )
        return
    try:
        find_model(ModelOptions(path=path))
    except ValueError as error:
        raise ConfigError(f"model.path={path}: {error}") from error


def _check_run(run: Path, config: Config) -> bool:
    """Whether a run that is there gets another plan. Raises ConfigError where `run` is no run of this config."""
    if run.exists() and not run.is_dir():
        raise ConfigError(f"run_dir={config.run_dir}: is a file, not a folder")
    if not run.exists():
        return False
    written = run / "config.yaml"
    if not written.exists():
        strange = [p.name for p in run.iterdir() if p.name not in ("problems", "code", "plan.json", "lock") and p.name[0] != "_"]
        if strange:
            raise ConfigError(f"run_dir={config.run_dir}: holds {strange[0]!r} but no config.yaml, so it is no run; take another")
        return False
    # A key that came after the run began counts only where it is set: the run's own code does not know it.
    before, now = dict(leaves(Config())) | read_flat(written), dict(leaves(config))
    differ = [key for key in {**before, **now} if not key.startswith(FREE) and before.get(key) != now.get(key)]
    told = ", ".join(f"{key} (there {before.get(key)}, now {now.get(key)})" for key in differ)
    if not differ:
        return False
    if set(differ) <= set(OPEN):
        _check_open(run, config, told)
        return True
    raise ConfigError(
        f"run_dir={config.run_dir}: holds a run of another config: {told}. "
        f"Take a new run_dir, or set {' '.join(shlex.quote(f'{key}={before.get(key)}') for key in differ)} to go on with it"
    )


def _check_open(run: Path, config: Config, told: str) -> None:
    """Raises ConfigError where a stage that is done or at work would change, or other code would read the new plan."""
    if snapshot.digest() != snapshot.digest(run / "code"):
        raise ConfigError(f"run_dir={config.run_dir}: {told}: the code has changed since this run began; take a new run_dir")
    if held(run / "lock"):
        raise ConfigError(f"run_dir={config.run_dir}: {told}: a process drives this run; stop it first")
    wanted = {stage.name: stage for stage in plan(config)}
    for stage in read_plan(run):
        if stage.options == wanted[stage.name].options:
            continue
        doer = home(run, stage.name)
        if done_shards(doer, stage.name):
            raise ConfigError(f"run_dir={config.run_dir}: {told}: stage {stage.name!r} is done; take a new run_dir")
        if any(held(lock_path(doer, stage.name, shard)) for shard in range(stage.shards)):
            raise ConfigError(f"run_dir={config.run_dir}: {told}: stage {stage.name!r} is at work; cancel it first")


def _check_point(run: Path, config: Config) -> None:
    """Raises ConfigError where a stage that would change is done by this point of a sweep for others, or by another for it."""
    file = run.parent / SWEEP
    others = [run.parent / name for name in json.loads(file.read_text())["points"] if name != run.name] if file.exists() else []
    before = {stage.name: stage.options for stage in read_plan(run)}
    for stage in plan(config):
        shared = home(run, stage.name) != run or any(home(other, stage.name) == run for other in others)
        if shared and stage.options != before[stage.name]:
            raise ConfigError(
                f"run_dir={config.run_dir}: shares stage {stage.name!r} with other points of its sweep: give new values to all "
                "of them, with --multirun"
            )


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f"_{path.name}.{os.getpid()}")
    beside.write_text(text)
    beside.rename(path)
