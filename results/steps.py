"""What a training from test feedback told, as text: about ten lines a run, each the mean over some of its steps."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from results.parts import part_paths, read_parts
from results.schema import DIFFICULTIES

NEEDED = ("step", "reward", "pass_rate", "stage", "kl")
SHORT = {"introductory": "intro", "interview": "inter", "competition": "comp"}
LINES = 10
Rows = Sequence[Mapping[str, Any]]  # a row a step
NOTHING = "–"
LEGEND = """\
A line is the mean over its steps. pass: rollouts that pass every test; whole: those whose prompt shows nothing of the
solution (stage 0), their share and how many of them pass; stage: mean over all problems. KL to the start and entropy:
nats a token. masked: tokens that the update leaves out; errors: rollouts that the judge itself failed on.
tokens/s: tokens of all ranks by the seconds of the first."""


@dataclass(frozen=True, slots=True)
class Training:
    """Where a training keeps what it told. Made by `find_training`."""

    label: str  # the trained model's name in the run's tables; the folder's path where no plan tells it
    folder: Path  # as the user named it
    seed: int | None
    planned: int | None  # steps
    steps: Path  # a row a step
    rollouts: Path  # a row a judged rollout


@dataclass(frozen=True, slots=True)
class Rollouts:
    """Every array [rollouts]."""

    step: NDArray[np.int64]
    difficulty: NDArray[np.str_]
    whole: NDArray[np.bool_]  # nothing of the solution was shown
    passed: NDArray[np.bool_]
    judged: NDArray[np.bool_]  # the judge did not fail


def find_training(folder: Path) -> Training:
    """Looks at `folder` as a run directory (plan.json), a training's folder (steps/, rollouts/), or a folder of steps.

    Raises FileNotFoundError where it is none of them, ValueError where the run's plan has no training from test feedback.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    if (folder / "plan.json").is_file():
        return _of_run(folder)
    for steps in (folder, folder / "steps"):
        if part_paths(steps):
            return Training(str(folder), folder, None, None, steps, steps.absolute().parent / "rollouts")
    looked = "plan.json (a run directory), steps/part-*.parquet (a training's folder) or part-*.parquet (its steps)"
    raise FileNotFoundError(f"{folder}: no training; looked for {looked}")


def _of_run(run: Path) -> Training:
    """The plan names the training's folder, and the model that the stage after it samples from."""
    try:
        plan = json.loads((run / "plan.json").read_text())
    except json.JSONDecodeError as error:
        raise ValueError(f"{run / 'plan.json'}: no JSON: {error}") from error
    found = [stage for stage in plan if stage["kind"] == "stepcoder"]
    if not found:
        kinds = ", ".join(stage["kind"] for stage in plan if "training" in stage["outputs"]) or "nothing"
        raise ValueError(f"{run}: no training from test feedback (stepcoder); its plan trains by {kinds}")
    outputs, options = found[0]["outputs"], found[0]["options"]["stepcoder"]
    samples = [stage for stage in plan if stage["kind"] == "sample" and stage["inputs"].get("model") == outputs["model"]]
    label = samples[0]["options"]["model"]["author"] if samples else run.resolve().name
    folder = run / outputs["training"]
    return Training(label, run, options["seed"], options["steps"], folder / "steps", folder / "rollouts")


def find_trainings(folders: Sequence[Path]) -> list[Training]:
    """`find_training` of each. Raises ValueError where one is given twice."""
    found = [find_training(folder) for folder in folders]
    places = [training.steps.resolve() for training in found]
    if twice := [str(training.folder) for training in found if places.count(training.steps.resolve()) > 1]:
        raise ValueError(f"{twice[-1]}: given twice")
    return found


def by_method(trainings: Sequence[tuple[Training, Rows]]) -> dict[str, list[Rows]]:
    """{label: the rows of its runs}; a training that has done no step yet is left out."""
    methods: dict[str, list[Rows]] = {}
    for training, rows in trainings:
        if rows:
            methods.setdefault(training.label, []).append(rows)
    return methods


def read_steps(steps: Path, last: int | None = None) -> list[dict[str, Any]]:
    """The rows of the folder `steps` in their order, or the `last` of them; none where no step is done yet.

    Reads whole parts only, so a training may go on meanwhile. Raises ValueError where the rows are not of a training from
    test feedback.
    """
    if last is not None and last < 1:
        raise ValueError(f"the last {last} steps: a number of steps is 1 or more")
    if not part_paths(steps):
        return []
    table = read_parts(steps)
    if lacking := [name for name in NEEDED if name not in table.column_names]:
        raise ValueError(f"{steps}: not the steps of a training from test feedback, they have no {', '.join(lacking)}")
    rows = sorted(table.to_pylist(), key=lambda row: row["step"])
    return rows[-last:] if last else rows


def read_rollouts(folder: Path) -> Rollouts | None:
    """None where there is no rollout."""
    if not part_paths(folder):
        return None
    table = read_parts(folder, ("step", "difficulty", "stage", "verdict"))
    verdict = table["verdict"]
    return Rollouts(
        table["step"].to_numpy(),
        np.array(table["difficulty"].to_pylist()),
        pc.equal(table["stage"], 0).to_numpy(),
        pc.equal(verdict, "pass").to_numpy(),
        pc.not_equal(verdict, "judge_error").to_numpy(),
    )


def training_text(training: Training, rows: Rows) -> str:
    """A training in at most LINES lines, each the mean over as many of `rows`; ends in a newline."""
    seed = "" if training.seed is None else f", seed {training.seed}"
    planned = "" if training.planned is None else f" of {training.planned:,}"
    done = (
        f"{rows[-1]['step'] + 1:,}{planned} steps" if rows else f"no step of{planned.removeprefix(' of') or ' any'} is done yet"
    )
    at = "" if training.label == str(training.folder) else f"  ({training.folder})"
    head = f"{training.label}{seed}: {done}{at}\n"
    if not rows:
        return head
    rollouts = read_rollouts(training.rollouts)
    cuts = np.array_split(np.arange(len(rows)), min(LINES, len(rows)))
    lines = [dict(_line([rows[at] for at in cut], rollouts)) for cut in cuts]
    return head + _aligned(lines)


def _line(rows: Rows, rollouts: Rollouts | None) -> Iterator[tuple[tuple[str, str], str]]:
    """((the heading above, the heading), text) of some steps."""
    first, last = rows[0]["step"] + 1, rows[-1]["step"] + 1
    yield ("", "steps"), f"{first}" if first == last else f"{first}–{last}"
    yield ("", "reward"), _mean(rows, "reward", "+.2f")
    yield ("pass (%)", "all"), _mean(rows, "pass_rate", ".1f", 100)
    if rollouts is not None:
        here = np.isin(rollouts.step, [row["step"] for row in rows])
        names = set(rollouts.difficulty.tolist())
        for name in (*DIFFICULTIES, *sorted(names - set(DIFFICULTIES))):
            if name in names and len(names) > 1:
                of_it = rollouts.passed[here & rollouts.judged & (rollouts.difficulty == name)]
                yield ("pass (%)", SHORT.get(name, name)), _share(of_it)
        yield ("whole (%)", "share"), _share(rollouts.whole[here])
        yield ("whole (%)", "pass"), _share(rollouts.passed[here & rollouts.judged & rollouts.whole])
    yield ("", "stage"), _mean(rows, "stage", ".2f")
    yield ("", "KL"), _mean(rows, "kl", ".3f")
    yield ("", "entropy"), _mean(rows, "entropy", ".2f")
    yield ("tokens", "masked"), _mean(rows, "masked", ".1f", 100, "%")
    yield ("judge", "errors"), _mean(rows, "judge_errors", ".1f", 100, "%")
    for name in ("decode", "score", "train"):
        timed = [row for row in rows if row.get(f"{name}_s") and "tokens" in row]
        seconds = sum(row[f"{name}_s"] for row in timed)
        yield ("tokens/s", name), f"{sum(row['tokens'] for row in timed) / seconds:.0f}" if seconds else NOTHING
    seconds = sum(value or 0.0 for row in rows for name, value in row.items() if name.endswith("_s"))
    yield ("s a", "step"), f"{seconds / len(rows):.1f}"


def _mean(rows: Rows, name: str, form: str, times: float = 1, unit: str = "") -> str:
    values = [row[name] for row in rows if row.get(name) is not None]  # steps of an older version tell less
    return f"{times * sum(values) / len(values):{form}}{unit}" if values else NOTHING


def _share(of: NDArray[np.bool_]) -> str:
    return f"{100 * of.mean():.1f}" if len(of) else NOTHING


def _aligned(lines: Sequence[Mapping[tuple[str, str], str]]) -> str:
    """Columns to the right; a heading that several columns share stands once, above their middle."""
    widths = {column: max(len(column[1]), *(len(line[column]) for line in lines)) for column in lines[0]}
    above = []
    for heading, columns in itertools.groupby(list(widths), key=lambda column: column[0]):
        first, *rest = columns
        beside = sum(1 + widths[column] for column in rest)
        widths[first] = max(widths[first], len(heading) - beside)
        width = widths[first] + beside
        above.append(heading.center(width) if rest and heading else heading.rjust(width))
    rows = [{column: column[1] for column in widths}, *lines]
    below = [" ".join(row[column].rjust(width) for column, width in widths.items()) for row in rows]
    return "\n".join([" ".join(above).rstrip(), *below]) + "\n"
