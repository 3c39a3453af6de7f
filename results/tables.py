"""The pass-rate table: a row a model of a run, a column a difficulty, each number with its 95 % interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from results.judged import Judged, add_up, count_by_problem, find_all
from results.passk import pass_at_k
from results.render import render as render  # results.tables.render, for callers that make the table
from results.schema import DIFFICULTIES
from results.stats import Interval, clustered_mean

SPLITS = ("test", "train")
ALL_COLUMNS = (*DIFFICULTIES, "other", "all")


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of the table. `mean` and `interval` are fractions in [0, 1], differences in [-1, 1].

    judge_error programs are in no count.
    """

    mean: float
    interval: Interval
    problems: int
    programs: int  # of all runs
    runs: int = 1  # of a difference: pairs of runs


@dataclass(frozen=True, slots=True)
class Row:
    """One model: `cells[metric][column]`; a column is missing where the model has no program of that difficulty."""

    author: str
    run: str | None  # the run's name, where the table is made from more than one folder; None for a row over runs
    cells: Mapping[str, Mapping[str, Cell]]
    judge_errors: int  # programs that the judge failed on: dropped from every cell

    @property
    def label(self) -> str:
        return self.author if self.run is None else f"{self.run}: {self.author}"


@dataclass(frozen=True, slots=True)
class Table:
    """Made by `pass_rate_table` and `results.over_runs`, read by `render` and `plot_table`."""

    metrics: tuple[str, ...]  # pass_rate (where all tests were run), strict_accuracy, pass@1, ...
    columns: tuple[str, ...]  # the difficulties that occur, easiest first, then "all"
    rows: tuple[Row, ...]  # in the order the models were judged
    notes: tuple[str, ...]  # what a reader must know: dropped programs, stages that are not done
    over_runs: bool = False  # a row is a model over several runs
    against: str | None = None  # the numbers are differences to this author


@dataclass(frozen=True, slots=True)
class Tested:
    """One model's programs in one run, added up by problem. Every array is [problems]."""

    author: str
    judged: Judged
    problems: tuple[tuple[str, str], ...]  # id and difficulty
    columns: NDArray[np.object_]  # the problem's difficulty, or "other"
    programs: NDArray[np.int64]
    sums: Mapping[str, NDArray[np.float64]]  # by metric, of the values in [0, 1] of the problem's programs
    judge_errors: int
    notes: tuple[str, ...]

    def weights(self, metric: str) -> NDArray[np.int64]:
        """How many values a problem has: as many as programs, or one pass@k."""
        return np.ones_like(self.programs) if metric.startswith("pass@") else self.programs

    def chosen(self, column: str) -> NDArray[np.int64]:
        """The positions of a column's problems."""
        return np.flatnonzero((self.columns == column) | (column == "all"))


def pass_rate_table(folders: Sequence[Path], ks: Sequence[int] = (1,), split: str | None = "test") -> Table:
    """The table of run directories or folders that `sandbox judge` wrote.

    pass_rate is the mean over programs of tests_passed / tests_total, strict_accuracy the share of programs whose verdict is
    pass, pass@k the mean over problems of `results.passk.pass_at_k` (pass@1 is always there). Intervals: `results.stats`.
    `split` is "test" (null counts as test), "train", or None for both.

    Raises FileNotFoundError where a folder holds no judged programs; ValueError for a bad split or k, and where a problem has
    fewer than k programs. Memory grows with problems x models, not with programs (but for 8 bytes each).
    """
    tested, notes = read_tested(folders, ks, split)
    several = len(folders) > 1
    rows = []
    for one in tested:
        cells: dict[str, dict[str, Cell]] = {metric: {} for metric in one.sums}
        for column in ALL_COLUMNS:
            if len(chosen := one.chosen(column)):
                for metric, sums in one.sums.items():
                    cells[metric][column] = _cell(sums[chosen], one.weights(metric)[chosen], one.programs[chosen])
        rows.append(Row(one.author, one.judged.name if several else None, cells, one.judge_errors))
    return table_of(rows, tuple(tested[0].sums), notes)


def read_tested(folders: Sequence[Path], ks: Sequence[int], split: str | None) -> tuple[list[Tested], list[str]]:
    """The models of all runs, in the order they were judged, and the notes. Raises as `pass_rate_table`.

    No model has a pass rate where not all tests of all programs were run.
    """
    if split is not None and split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; valid: {', '.join(SPLITS)}, or None for all")
    if wrong := [k for k in ks if k < 1]:
        raise ValueError(f"pass@k needs k >= 1, given {wrong[0]}")
    tested: list[Tested] = []
    notes: list[str] = []
    runs = find_all(folders)
    for judged in runs:
        prefix = f"{judged.name}: " if len(runs) > 1 else ""
        counts = _of_split(count_by_problem(judged), split, judged.folder)
        for author in pc.unique(counts["author"]).to_pylist():
            tested.append(_tested(author, judged, counts.filter(pc.equal(counts["author"], author)), sorted({1, *ks}), prefix))
            notes += tested[-1].notes
        notes += [f"{prefix}{note}" for note in judged.unfinished]
    if any(np.isnan(one.sums["pass_rate"]).any() for one in tested):
        notes.append("no pass rate: judging stopped at each program's first failure")
        tested = [replace(one, sums={name: of for name, of in one.sums.items() if name != "pass_rate"}) for one in tested]
    return tested, notes


def table_of(rows: Sequence[Row], metrics: Sequence[str], notes: Sequence[str]) -> Table:
    """Leaves out the columns that no row has."""
    present = [name for name in (*DIFFICULTIES, "other") if any(name in row.cells[metrics[0]] for row in rows)]
    columns = (*(present if present != ["other"] else []), "all")
    return Table(tuple(metrics), columns, tuple(rows), tuple(notes))


def _of_split(counts: pa.Table, split: str | None, folder: Path) -> pa.Table:
    kept = counts if split is None else counts.filter(pc.equal(counts["split"], split))
    if not kept.num_rows:
        there = ", ".join(sorted(set(counts["split"].to_pylist())))
        raise ValueError(f"{folder}: no program of split {split!r}; splits there: {there} (--split all takes every one)")
    return add_up(kept, ["author", "problem_id", "difficulty"])


def _tested(author: str, judged: Judged, counts: pa.Table, ks: Sequence[int], prefix: str) -> Tested:
    errors = int(pc.sum(counts["judge_errors"]).as_py())
    programs = int(pc.sum(counts["programs"]).as_py())
    label = f"{prefix}{author}"
    note = f"{label}: {errors:,} of {programs + errors:,} programs dropped, the judge itself failed on them (judge_error)"
    tested = counts.filter(pc.greater(counts["programs"], 0))
    difficulties = tested["difficulty"].to_pylist()
    sums = {"pass_rate": tested["rate_sum"].to_numpy(), "strict_accuracy": tested["passes"].to_numpy().astype(np.float64)}
    return Tested(
        author,
        judged,
        tuple(zip(tested["problem_id"].to_pylist(), difficulties, strict=True)),
        np.array([name if name in DIFFICULTIES else "other" for name in difficulties], dtype=object),
        tested["programs"].to_numpy(),
        sums | {f"pass@{k}": _pass_at_k(tested, k, label) for k in ks},
        errors,
        (note,) if errors else (),
    )


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
