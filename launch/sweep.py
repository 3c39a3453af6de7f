"""A sweep: a run directory a point, side by side in one folder.

What points have alike is done by the first of them, and linked to by the others.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException

from launch import snapshot
from launch.arrays import stage_names
from launch.compose import compose
from launch.config import Config, ConfigError
from launch.plan import Run, Stage, plan, read_plan, to_json
from launch.prepare import SWEEP, Checked, check, lay_out
from launch.progress import done_path, home, write_json

TABLE = "sweep-table"  # the one stage of the sweep itself
UNSAFE = re.compile(r"[^\w.+-]")  # in the name of a folder
FIXED = ("run_dir", "cluster")  # of all points alike


@dataclass(frozen=True, slots=True)
class Sweep:
    """Made by `composed`; read by `prepare` and by a dry run."""

    folder: Path
    points: Mapping[str, Config]  # by name

    def runs(self) -> list[Run]:
        return [Run(self.folder / name, plan(config)) for name, config in self.points.items()]

    def table(self, names: Sequence[str] = ()) -> Run:
        """The sweep's folder as a run of one stage, the table of all points."""
        options = {"ks": list(next(iter(self.points.values())).tables.ks), "runs": list(names or self.points)}
        return Run(self.folder, (Stage(TABLE, "tables", (), outputs={"tables": "tables"}, options=options),))

    def homes(self) -> dict[tuple[Path, str], Path]:
        """(run, stage) → the point that does it for all whose stage is the same, of the same options and inputs: the first.

        Where a sweep has grown, or its values are given in another order, the one that has it already.
        """
        alike: dict[tuple[str, str], list[Path]] = {}
        for run, config in zip(self.runs(), self.points.values(), strict=True):
            for name, same in fingerprints(run.stages, config).items():
                alike.setdefault((name, same), []).append(run.path)
        return {(path, name): _first(paths, name) for (name, _), paths in alike.items() for path in paths}


def _first(paths: Sequence[Path], stage: str) -> Path:
    """One that has begun the stage, else one that holds no link to another: links must not lead in a circle."""
    folders = [path / stage for path in paths]
    return home(min(folders, key=lambda folder: (folder.is_symlink(), not folder.is_dir())).parent, stage)


def composed(overrides: Sequence[str]) -> Sweep:
    """Every combination of the keys that are given several values (`seed=0,1,2`, `range(3)`). ConfigError."""
    points = combinations(overrides)
    configs = {name: compose(list(values)) for name, values in points.items()}
    folders = {config.run_dir for config in configs.values()}
    if len(folders) > 1:
        raise ConfigError(
            f"--multirun: the points differ in run_dir ({', '.join(sorted(folders))}): give one, the sweep's folder"
        )
    folder = Path(os.path.abspath(Path(folders.pop()).expanduser()))
    return Sweep(folder, {n: dataclasses.replace(config, run_dir=str(folder / n)) for n, config in configs.items()})


def combinations(overrides: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Name → a point's overrides. ConfigError where no key has several values, or one that must not."""
    choices = [_values(text) for text in overrides]
    swept = [texts[0].partition("=")[0] for texts in choices if len(texts) > 1]
    if not swept:
        raise ConfigError("--multirun: no key has several values; write key=a,b,c")
    for key in swept:
        if key.split(".")[0] in FIXED:
            raise ConfigError(f"--multirun: {key} must be the same for all points")
    short = {key: key.rpartition(".")[2] for key in swept}
    short = {key: last if list(short.values()).count(last) == 1 else key for key, last in short.items()}
    found: dict[str, tuple[str, ...]] = {}
    for point in itertools.product(*choices):
        told = [text.partition("=") for text in point]
        name = ",".join(f"{short[key]}={UNSAFE.sub('_', value)}" for key, _, value in told if key in short)
        if name in found:
            raise ConfigError(f"--multirun: {name} comes twice")
        found[name] = point
    return found


def _values(text: str) -> list[str]:
    """`key=value` for each value. What hydra's grammar does not know, such as a path with spaces, is one value."""
    try:
        override = OverridesParser.create().parse_override(text)
    except OverrideParseException:
        return [text]
    if not override.is_sweep_override():
        return [text]
    try:
        return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
    except HydraException as error:
        raise ConfigError(f"{text}: {error}") from error


def fingerprints(stages: Sequence[Stage], config: Config) -> dict[str, str]:
    """Of each stage, by all that its rows follow from: its options and inputs, and so on up to the problems."""
    found: dict[str, str] = {}
    makers = {path: stage.name for stage in stages for path in stage.outputs.values()}
    for stage in stages:
        inputs = {name: _source(path, config) or found[makers[path]] for name, path in stage.inputs.items()}
        whole = dataclasses.asdict(stage) | {"inputs": inputs, "needs": [found[need] for need in stage.needs]}
        found[stage.name] = hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()
    return found


def described(sweep: Sweep) -> str:
    """The plan as lines for a person: how many points do each stage."""
    homes = sweep.homes()
    runs = sweep.runs()
    lines = [f"{len(runs)} points: {', '.join(sweep.points)}"]
    for name in stage_names(runs):
        users = [run for run in runs if any(stage.name == name for stage in run.stages)]
        doers = len({homes[run.path, name] for run in users})
        lines.append(f"{name:<14} once for each of {doers}" if doers > 1 else f"{name:<14} once for all")
    return "\n".join([*lines, f"{TABLE:<14} of all points"])


def _source(path: str, config: Config) -> dict[str, Any] | None:
    """Where the problems of a file come from; None for what a stage makes."""
    folder, _, name = path.partition("/")
    return dataclasses.asdict(getattr(config.data, name.split(".")[0])) if folder == "problems" else None


def prepare(sweep: Sweep) -> tuple[list[Run], Run]:
    """Makes the points' run directories, or finds them, and that of the sweep's own table.

    A sweep may grow: points that are there already stay. ConfigError before anything is written.
    """
    if (sweep.folder / "plan.json").exists() and not (sweep.folder / SWEEP).exists():
        raise ConfigError(f"run_dir={sweep.folder}: is a run, not a sweep; take another")
    checked: dict[str, Checked] = {}
    for name, config in sweep.points.items():
        checked[name] = check(config, like=next(iter(checked.values()), None))
    _check_shared(sweep, {sweep.folder / name for name, each in checked.items() if each.changed})
    sweep.folder.mkdir(parents=True, exist_ok=True)
    code = snapshot.take(sweep.folder)
    runs = [lay_out(each, code) for each in checked.values()]
    homes = sweep.homes()
    for run in runs:
        for stage in run.stages:
            _link(run.path, stage, homes[run.path, stage.name])
    return runs, _with_table(sweep, runs)


def _check_shared(sweep: Sweep, changed: Set[Path]) -> None:
    """ConfigError where points that share a stage would tell other options of it than those with which one of them does it."""
    if not changed:
        return
    there = read_runs(sweep.folder)[0] if (sweep.folder / SWEEP).exists() else []
    runs = {run.path: run for run in (*there, *sweep.runs())}  # as they will be
    options = {(run.path, stage.name): stage.options for run in runs.values() for stage in run.stages}
    for (path, name), mine in options.items():
        doer = home(path, name)
        if changed & {path, doer} and options[doer, name] != mine:
            raise ConfigError(
                f"run_dir={sweep.folder}: {path.name} shares stage {name!r} with {doer.name}: "
                "change both alike, or take a new run_dir"
            )


def _link(run: Path, stage: Stage, other: Path) -> None:
    """The stage's folders become links to those of the point that does it, unless this point has begun to do it."""
    if run == other or (run / stage.name).exists():
        return
    for path in {stage.name, *stage.outputs.values()}:
        link = run / path
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(other / path, link.parent))


def _with_table(sweep: Sweep, runs: Sequence[Run]) -> Run:
    """Writes which points there are, and the plan of their table: made again where the sweep has grown."""
    before = json.loads((sweep.folder / SWEEP).read_text())["points"] if (sweep.folder / SWEEP).exists() else []
    names = list(dict.fromkeys([*before, *(run.path.name for run in runs)]))
    table = sweep.table(names)
    if names != before:
        done_path(sweep.folder, TABLE, 0).unlink(missing_ok=True)
        (sweep.folder / "plan.json").write_text(to_json(table.stages))
        write_json(sweep.folder / SWEEP, {"points": names})
    return table


def read_runs(folder: Path) -> tuple[list[Run], Run | None]:
    """The run of a run directory; or the points of a sweep, and the run of its own table. ConfigError where it is neither."""
    folder = Path(os.path.abspath(folder))
    if not (folder / SWEEP).exists():
        return [Run(folder, read_plan(folder))], None
    names = json.loads((folder / SWEEP).read_text())["points"]
    return [Run(folder / name, read_plan(folder / name)) for name in names], Run(folder, read_plan(folder))
