"""Prints a table: for the terminal, Markdown, LaTeX, CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from results.tables import Cell, Row, Table

FORMATS = ("rich", "md", "latex", "csv", "json")
LEGEND = "[low, high]: 95 % Wilson interval at the effective number of programs, clustered by problem."
LEGEND_OVER_RUNS = (
    "Mean over runs. [low, high]: 95 % interval of it for other seeds (Student's t on the runs' means) and other problems "
    "(Wilson, clustered by problem), the two half widths added as squares. n: runs × problems × programs."
)
LEGEND_AGAINST = (
    "Points above {against}, mean over pairs of runs. [low, high]: 95 % interval of it for other seeds (Student's t on the "
    "pairs' differences) and other problems (Newcombe's, paired by problem), the two half widths added as squares. "
    "n: pairs × problems × programs."
)
LONG_COLUMNS = ("run", "author", "metric", "difficulty", "estimate", "low", "high", "problems", "programs", "runs", "against")
MEANINGS = {"pass_rate": "mean share of tests passed", "strict_accuracy": "share of programs that pass every test"}
NOTHING = "–"


def render(table: Table, format: str, width: int = 100, color: bool = False) -> str:  # noqa: A002
    """The table as text that ends in a newline. `width` (characters) and `color` (ANSI codes) are for "rich" alone.

    rich, md and latex show percentages with one decimal; csv and json hold fractions in [0, 1], a record a number.
    csv has no place for `table.notes`. Raises ValueError for an unknown format.
    """
    if format == "rich":
        return _rich(table, width, color)
    writers = {"md": _markdown, "latex": _latex, "csv": _csv, "json": _json}
    if format not in writers:
        raise ValueError(f"unknown format {format!r}; valid: {', '.join(FORMATS)}")
    return writers[format](table)


def title(metric: str) -> str:
    """A metric's name for people, with its unit: "pass rate (%)"."""
    return f"{metric.replace('_', ' ')} (%)"


def _legend(table: Table) -> str:
    if table.against is not None:
        return LEGEND_AGAINST.format(against=table.against)
    return LEGEND_OVER_RUNS if table.over_runs else LEGEND


def _heading(table: Table, metric: str) -> str:
    return title(metric) if table.against is None else title(metric).replace("(%)", "(difference)")


def _estimate(cell: Cell | None, table: Table) -> tuple[str, str]:
    if cell is None:
        return NOTHING, ""
    sign = "+" if table.against else ""
    return f"{100 * cell.mean:{sign}.1f}", f"[{100 * cell.interval.low:.1f}, {100 * cell.interval.high:.1f}]"


def _n_heading(table: Table) -> str:
    return "n" if table.over_runs else "n: problems / programs"  # else the legend says it


def _n(table: Table, row: Row, column: str) -> str:
    cell = row.cells["strict_accuracy"].get(column)
    if cell is None:
        return NOTHING
    if not table.over_runs:
        return f"{cell.problems:,} / {cell.programs:,}"
    return f"{cell.runs:,} × {cell.problems:,} × {cell.programs / (cell.runs * cell.problems):.3g}"


def _rich(table: Table, width: int, color: bool) -> str:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table as Grid
    from rich.text import Text

    # The interval stands beside its number where that fits, else below it; a long name folds.
    longest = 2 + max(len(row.label) for row in table.rows)
    beside = 21 if table.against is None else 23  # characters of a number with its interval, and between columns
    between = " " if min(longest, width // 3) + beside * len(table.columns) <= width else "\n"
    names = width - (beside if between == " " else 16) * len(table.columns)
    grid = Grid(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    grid.add_column("", max_width=max(names, 20), overflow="fold")
    for column in table.columns:
        grid.add_column(column, justify="right", no_wrap=True)
    for metric in table.metrics:
        grid.add_row(Text(_heading(table, metric), style="bold"))
        for row in table.rows:
            cells = [_estimate(row.cells[metric].get(column), table) for column in table.columns]
            texts = [Text(value).append(f"{between}{interval}" if interval else "", style="dim") for value, interval in cells]
            grid.add_row(Text(f"  {row.label}"), *texts)
        grid.add_row("")
    grid.add_row(Text(_n_heading(table), style="bold"))
    for row in table.rows:
        grid.add_row(Text(f"  {row.label}"), *(Text(_n(table, row, column)) for column in table.columns))
    console = Console(file=io.StringIO(), width=width, force_terminal=color, no_color=None if color else True, highlight=False)
    console.print(grid)
    console.print()
    meanings = [f"{metric.replace('_', ' ')}: {meaning}." for metric, meaning in MEANINGS.items() if metric in table.metrics]
    for line in (" ".join(meanings), _legend(table), *(f"Note: {note}" for note in table.notes)):
        console.print(Text(line, style="dim" if not line.startswith("Note") else "yellow"))
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


def _markdown(table: Table) -> str:
    def line(cells: list[str]) -> str:
        return "| " + " | ".join(cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"

    lines = [line(["metric", "model", *table.columns]), "| --- | --- |" + " ---: |" * len(table.columns)]
    for metric in table.metrics:
        for row in table.rows:
            cells = [" ".join(_estimate(row.cells[metric].get(column), table)).rstrip() for column in table.columns]
            lines.append(line([_heading(table, metric), row.label, *cells]))
    lines += [line([_n_heading(table), row.label, *(_n(table, row, column) for column in table.columns)]) for row in table.rows]
    return "\n".join([*lines, "", _legend(table), *(f"\nNote: {note}" for note in table.notes)]) + "\n"


LATEX_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "–": "--",
    "×": r"$\times$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\n": " ",
}


def _escape(text: str) -> str:
    return "".join(LATEX_SPECIAL.get(sign, sign) for sign in text)


def _latex(table: Table) -> str:
    """A tabular with booktabs' rules; the notes follow it as a paragraph."""

    def line(cells: list[str]) -> str:
        return " & ".join(cells) + r" \\"

    def block(name: str) -> list[str]:
        return [r"\midrule", rf"\multicolumn{{{len(table.columns) + 1}}}{{l}}{{\emph{{{_escape(name)}}}}} \\"]

    lines = ["% needs \\usepackage{booktabs}", rf"\begin{{tabular}}{{l{'r' * len(table.columns)}}}", r"\toprule"]
    lines.append(line(["", *map(_escape, table.columns)]))
    for metric in table.metrics:
        lines += block(_heading(table, metric))
        for row in table.rows:
            cells = [_estimate(row.cells[metric].get(column), table) for column in table.columns]
            texts = [_escape(value) + (rf" {{\scriptsize {interval}}}" if interval else "") for value, interval in cells]
            lines.append(line([rf"\quad {_escape(row.label)}", *texts]))
    lines += block(_n_heading(table))
    for row in table.rows:
        lines.append(line([rf"\quad {_escape(row.label)}", *(_escape(_n(table, row, column)) for column in table.columns)]))
    notes = " ".join(_escape(text) for text in (_legend(table), *(f"Note: {note}." for note in table.notes)))
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", "", rf"{{\footnotesize {notes}}}"]) + "\n"


def _records(table: Table) -> Iterator[dict[str, Any]]:
    """A record a number. Ten digits: how the programs were cut into parts shows in the sixteenth."""
    for metric in table.metrics:
        for row in table.rows:
            for column, cell in row.cells[metric].items():
                numbers = [round(number, 10) for number in (cell.mean, cell.interval.low, cell.interval.high)]
                values = (row.run, row.author, metric, column, *numbers, cell.problems, cell.programs, cell.runs, table.against)
                yield dict(zip(LONG_COLUMNS, values, strict=True))


def _csv(table: Table) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, LONG_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_records(table))
    return text.getvalue()


def _json(table: Table) -> str:
    document = {
        "interval": _legend(table),
        "rows": list(_records(table)),
        "judge_errors": [{"run": row.run, "author": row.author, "programs": row.judge_errors} for row in table.rows],
        "notes": list(table.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"
