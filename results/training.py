"""How a training from test feedback went, as a picture: reward, pass rate, curriculum stage, KL over its steps."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from results.parts import read_parts
from results.plots import COLORS, check_suffix, save

PANELS = (
    ("reward", "reward"),
    ("pass_rate", "rollouts that\npass (%)"),
    ("stage", "mean stage"),
    ("kl", "KL to the start\n(nats a token)"),
)


def plot_training(steps: Path, path: Path) -> None:
    """Draws the rows of the folder `steps`, a row a step, to `path`, whole or not at all; .png, .pdf or .svg.

    Points are steps, the line their mean over ten. ValueError: another suffix. FileNotFoundError: no step is there.
    """
    check_suffix(path)
    rows = sorted(read_parts(steps).to_pylist(), key=lambda row: row["step"])
    figure = Figure(figsize=(6.4, 6.4), layout="constrained")
    panels = figure.subplots(len(PANELS), 1, sharex=True)
    for axes, (name, label), color in zip(panels, PANELS, COLORS, strict=False):
        values = [row[name] * (100 if name == "pass_rate" else 1) for row in rows]
        means = [sum(window) / len(window) for i in range(len(values)) if (window := values[max(0, i - 9) : i + 1])]
        numbers = [row["step"] + 1 for row in rows]
        axes.plot(numbers, values, ".", color=color, alpha=0.35, markersize=4)
        axes.plot(numbers, means, color=color, linewidth=1.6)
        axes.set_ylabel(label, fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    panels[-1].set_xlabel("step (line: mean over the last ten)", fontsize=9)
    save(figure, path)
