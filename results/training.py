"""How trainings from test feedback went, as a picture: reward, pass rate, curriculum stage, KL over their steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from results.plots import COLORS, check_suffix, save
from results.steps import Rows, read_steps

PANELS = (
    ("reward", "reward"),
    ("pass_rate", "rollouts that\npass (%)"),
    ("stage", "mean stage"),
    ("kl", "KL to the start\n(nats a token)"),
)
WINDOW = 10  # steps that a line is the mean of


def plot_training(steps: Path, path: Path) -> None:
    """Draws the rows of the folder `steps`, a row a step, to `path`, whole or not at all; .png, .pdf or .svg.

    Points are steps, the line their mean over ten. ValueError: another suffix. FileNotFoundError: no step is there.
    """
    check_suffix(path)
    rows = read_steps(steps)
    if not rows:
        raise FileNotFoundError(f"{steps} holds no Parquet part (part-*.parquet)")
    plot_trainings({str(steps): [rows]}, path)


def plot_trainings(methods: Mapping[str, Sequence[Rows]], path: Path) -> None:
    """Draws the rows of trainings, {method: [its runs' rows, a row a step]}, to `path`, whole or not at all.

    One run: as `plot_training`. Several: a thin line a run and, where a method has several, a thick one for their mean, as far
    as all of them have come; each the mean over the run's last ten steps.
    ValueError: a suffix other than .png, .pdf or .svg, or a training without a step.
    """
    check_suffix(path)
    if not methods or any(not rows for runs in methods.values() for rows in runs):
        raise ValueError(f"{path}: nothing to draw, a training has done no step yet")
    several = sum(map(len, methods.values())) > 1
    figure = Figure(figsize=(6.4, 6.4 + 0.22 * several * len(methods)), layout="constrained")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for at, (axes, (name, label)) in enumerate(zip(panels, PANELS, strict=True)):
        for method, (text, runs) in enumerate(methods.items()):
            style = ("-", "--", ":")[method // len(COLORS) % 3]  # an eighth method takes the first's colour, dashed
            _draw(axes, name, runs, COLORS[(method if several else at) % len(COLORS)], style, text, several)
        axes.set_ylabel(label, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    panels[-1].set_xlabel(_reading(methods, several), fontsize=9)
    if several:
        figure.legend(*panels[0].get_legend_handles_labels(), frameon=False, fontsize=9, loc="outside lower center")
    save(figure, path)


def _reading(methods: Mapping[str, Sequence[Rows]], several: bool) -> str:
    seeds = any(len(runs) > 1 for runs in methods.values())
    lines = "thin: a run, thick: their mean; each" if seeds else "a line is" if several else "line:"
    return f"step ({lines} the mean over the last ten)"


def _draw(axes: Axes, name: str, runs: Sequence[Rows], color: str, style: str, label: str, several: bool) -> None:
    times = 100 if name == "pass_rate" else 1
    lines = []
    for rows in runs:
        values = [times * row[name] for row in rows]
        numbers = [row["step"] + 1 for row in rows]
        if not several:
            axes.plot(numbers, values, ".", color=color, alpha=0.35, markersize=4)
        lines.append(dict(zip(numbers, smoothed(values), strict=True)))
    if len(runs) > 1:
        for line in lines:
            axes.plot(list(line), list(line.values()), style, color=color, alpha=0.4, linewidth=0.8)
        label = f"{label} ({len(runs)} runs)"
    line = mean_line(lines)
    axes.plot(list(line), list(line.values()), style, color=color, linewidth=1.8, label=label)


def smoothed(values: Sequence[float]) -> list[float]:
    """Each value's mean with those before it, WINDOW in all."""
    return [sum(window) / len(window) for at in range(len(values)) if (window := values[max(0, at - WINDOW + 1) : at + 1])]


def mean_line(lines: Sequence[Mapping[int, float]]) -> dict[int, float]:
    """{step: mean over all lines} for the steps that every line has: a run that ended early must not move the others' mean."""
    shared = sorted(set.intersection(*map(set, lines)))
    return {step: sum(line[step] for line in lines) / len(lines) for step in shared}
