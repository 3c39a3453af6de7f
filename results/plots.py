"""The table as a picture: a group a difficulty, a point a model, whiskers for the 95 % interval."""

from __future__ import annotations

import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.render import title
from results.tables import Table

# Okabe & Ito's colours, told apart with any kind of colour vision; the markers tell them apart in print without colour.
COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
SUFFIXES = (".png", ".pdf", ".svg")


def plot_table(table: Table, path: Path, metric: str = "pass_rate") -> None:
    """Writes `metric` of `table` to `path`, whole or not at all; the suffix says the format: .png, .pdf or .svg.

    Raises ValueError for another suffix, for a metric that the table does not have, and where the table has no number.
    """
    check_suffix(path)
    if metric not in table.metrics:
        raise ValueError(f"the table has no metric {metric!r}; valid: {', '.join(table.metrics)}")
    if not any(row.cells[metric] for row in table.rows):
        raise ValueError(f"{path}: nothing to draw, the judge failed on every program")
    figure = Figure(figsize=(_width_inches(table), 3.7 + 0.2 * len(table.rows) / _legend_columns(table)), layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, table, metric)
    figure.legend(
        *axes.get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower center", ncols=_legend_columns(table)
    )
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Writes a picture beside and renames it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"_{path.name}.{os.getpid()}")
    try:
        figure.savefig(beside, format=path.suffix[1:], dpi=200)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def check_suffix(path: Path) -> None:
    """Raises ValueError where `path` does not end in one of SUFFIXES."""
    if path.suffix not in SUFFIXES:
        raise ValueError(f"{path}: unknown picture format {path.suffix!r}; valid: {', '.join(SUFFIXES)}")


def _width_inches(table: Table) -> float:
    return max(4.2, 1.0 + len(table.columns) * max(1.15, 0.55 * len(table.rows)))


def _legend_columns(table: Table) -> int:
    longest = max(len(row.label) for row in table.rows)
    return max(1, min(len(table.rows), int(_width_inches(table) / (0.075 * longest + 0.6))))


def _draw(axes: Axes, table: Table, metric: str) -> None:
    step = 0.8 / len(table.rows)
    for at, row in enumerate(table.rows):
        cells = [(x, row.cells[metric][column]) for x, column in enumerate(table.columns) if column in row.cells[metric]]
        xs = [x + step * (at - (len(table.rows) - 1) / 2) for x, _ in cells]
        means = [100 * cell.mean for _, cell in cells]
        whiskers = [
            [max(0.0, 100 * (cell.mean - cell.interval.low)) for _, cell in cells],
            [max(0.0, 100 * (cell.interval.high - cell.mean)) for _, cell in cells],
        ]
        color, marker = COLORS[at % len(COLORS)], MARKERS[at % len(MARKERS)]
        face = color if at < len(COLORS) else "white"  # an eighth model takes the first's colour, hollow
        axes.errorbar(
            xs, means, whiskers, fmt=marker, color=color, mfc=face, markersize=6, elinewidth=1.6, capsize=3.5, label=row.label
        )
        for x, mean in zip(xs, means, strict=True):
            axes.annotate(f"{mean:.1f}", (x, mean), (5, 0), textcoords="offset points", va="center", fontsize=8, color=color)
    axes.set_xticks(range(len(table.columns)), [_tick(table, column) for column in table.columns], fontsize=9)
    axes.set_xlim(-0.6, len(table.columns) - 0.4)
    top = max(100 * cell.interval.high for row in table.rows for cell in row.cells[metric].values())
    axes.set_ylim(0, min(103.0, 1.08 * top))
    axes.set_ylabel(title(metric))
    axes.set_xlabel("difficulty (counts a model)")
    axes.set_title(f"{title(metric)[:-4].capitalize()} by difficulty, with 95 % intervals", fontsize=11)
    axes.grid(axis="y", color="0.88", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for boundary in range(1, len(table.columns)):
        axes.axvline(boundary - 0.5, color="0.88", linewidth=0.8)


def _tick(table: Table, column: str) -> str:
    cells = [row.cells[table.metrics[0]][column] for row in table.rows if column in row.cells[table.metrics[0]]]
    runs, problems, programs = ([getattr(cell, name) for cell in cells] for name in ("runs", "problems", "programs"))
    said = [column, *([_count(runs, "run")] if table.over_runs else []), _count(problems, "problem"), _count(programs, "program")]
    return "\n".join(said)


def _count(counts: list[int], noun: str) -> str:
    """Of all models; "99–100 programs" where the judge failed on one model's program."""
    few, many = min(counts), max(counts)
    return (f"{few:,}" if few == many else f"{few:,}–{many:,}") + f" {noun}" + ("" if many == 1 else "s")
