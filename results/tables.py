"""The pass-rate table: a row a model, a column a difficulty, each number with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from results.judged import add_up, count_by_problem, find_all
from results.passk import pass_at_k
from results.render import render as render  # results.tables.render, for callers that make the table
from results.schema import DIFFICULTIES
from results.stats import Interval, clustered_mean

SPLITS = ("test", "train")


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table. `mean` and `interval` are fractions in [0, 1]; judge_error programs are in neither count."""

    mean: float
    interval: Interval
    problems: int
    programs: int


@dataclass(frozen=True, slots=True)
class Row:
    """One model: `cells[metric][column]`; a column is missing where the model has no program of that difficulty."""

    author: str
    run: str | None  # the run's name, where the table is made from more than one folder
    cells: Mapping[str, Mapping[str, Cell]]
    judge_errors: int  # programs that the judge failed on: dropped from every cell

    @property
    def label(self) -> str:
        return _label(self.author, self.run)


@dataclass(frozen=True, slots=True)
class Table:
    """Made by `pass_rate_table`, read by `render` and `plot_table`."""

    metrics: tuple[str, ...]  # pass_rate, strict_accuracy, pass@1, ...
    columns: tuple[str, ...]  # the difficulties that occur, easiest first, then "all"
    rows: tuple[Row, ...]  # in the order the models were judged
    notes: tuple[str, ...]  # what a reader must know: dropped programs, stages that are not done


def pass_rate_table(folders: Sequence[Path], ks: Sequence[int] = (1,), split: str | None = "test") -> Table:
    """The table of run directories or folders that `sandbox judge` wrote.

    pass_rate is the mean over programs of tests_passed / tests_total, strict_accuracy the share of programs whose verdict is
    pass, pass@k the mean over problems of `results.passk.pass_at_k` (pass@1 is always there). Intervals: `results.stats`.
    `split` is "test" (null counts as test), "train", or None for both.

    Raises FileNotFoundError where a folder holds no judged programs; ValueError for a bad split or k, and where a problem has
    fewer than k programs. Memory grows with problems x models, not with programs (but for 8 bytes each).
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; valid: {', '.join(SPLITS)}, or None for all")
    if wrong := [k for k in ks if k < 1]:
        raise ValueError(f"pass@k needs k >= 1, given {wrong[0]}")
    ks = sorted({1, *ks})
    rows: list[Row] = []
    notes: list[str] = []
    runs = find_all(folders)
    for judged in runs:
        run = judged.name if len(runs) > 1 else None
        counts = _of_split(count_by_problem(judged), split, judged.folder)
        for author in pc.unique(counts["author"]).to_pylist():
            row, dropped = _row(author, run, counts.filter(pc.equal(counts["author"], author)), ks)
            rows.append(row)
            notes += dropped
        notes += [f"{run}: {note}" if run else note for note in judged.unfinished]
    metrics = ("pass_rate", "strict_accuracy", *(f"pass@{k}" for k in ks))
    if any(np.isnan(cell.mean) for row in rows for cell in row.cells["pass_rate"].values()):
        metrics = metrics[1:]
        notes.append("no pass rate: judging stopped at each program's first failure")
    present = [name for name in (*DIFFICULTIES, "other") if any(name in row.cells["pass_rate"] for row in rows)]
    columns = (*(present if present != ["other"] else []), "all")
    return Table(metrics, columns, tuple(rows), tuple(notes))


def _label(author: str, run: str | None) -> str:
    return author if run is None else f"{run}: {author}"


def _of_split(counts: pa.Table, split: str | None, folder: Path) -> pa.Table:
    kept = counts if split is None else counts.filter(pc.equal(counts["split"], split))
    if not kept.num_rows:
        there = ", ".join(sorted(set(counts["split"].to_pylist())))
        raise ValueError(f"{folder}: no program of split {split!r}; splits there: {there} (--split all takes every one)")
    return add_up(kept, ["author", "problem_id", "difficulty"])


def _row(author: str, run: str | None, counts: pa.Table, ks: Sequence[int]) -> tuple[Row, list[str]]:
    errors = int(pc.sum(counts["judge_errors"]).as_py())
    programs = int(pc.sum(counts["programs"]).as_py())
    label = _label(author, run)
    note = f"{label}: {errors:,} of {programs + errors:,} programs dropped, the judge itself failed on them (judge_error)"
    tested = counts.filter(pc.greater(counts["programs"], 0))
    difficulty = np.array([name if name in DIFFICULTIES else "other" for name in tested["difficulty"].to_pylist()], dtype=object)
    sums = {name: tested[name].to_numpy() for name in ("programs", "passes", "rate_sum")}
    draws = {f"pass@{k}": _pass_at_k(tested, k, label) for k in ks}
    cells: dict[str, dict[str, Cell]] = {metric: {} for metric in ("pass_rate", "strict_accuracy", *draws)}
    for column in (*DIFFICULTIES, "other", "all"):
        chosen = np.flatnonzero((difficulty == column) | (column == "all"))
        if not len(chosen):
            continue
        sizes = sums["programs"][chosen]
        cells["pass_rate"][column] = _cell(sums["rate_sum"][chosen], sizes, sizes)
        cells["strict_accuracy"][column] = _cell(sums["passes"][chosen].astype(np.float64), sizes, sizes)
        for metric, values in draws.items():
            cells[metric][column] = _cell(values[chosen], np.ones_like(sizes), sizes)
    return Row(author, run, cells, errors), [note] if errors else []


def _cell(values: NDArray[np.float64], weights: NDArray[np.int64], programs: NDArray[np.int64]) -> Cell:
    mean, interval = clustered_mean(values, weights, int(programs.sum()))
    return Cell(mean, interval, len(programs), int(programs.sum()))


def _pass_at_k(tested: pa.Table, k: int, label: str) -> NDArray[np.float64]:
    """pass@k of each problem [problems]."""
    columns: list[list[Any]] = [tested[name].to_pylist() for name in ("problem_id", "programs", "passes", "judge_errors")]
    values = np.empty(tested.num_rows)
    for at, (problem, n, c, errors) in enumerate(zip(*columns, strict=True)):
        if n < k:
            besides = f" and {errors} more judge_error" if errors else ""
            raise ValueError(
                f"pass@{k} needs {k} programs a problem, {label} has {n} for problem {problem}{besides}; give k <= {n}"
            )
        values[at] = pass_at_k(n, c, k)
    return values
