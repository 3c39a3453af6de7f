"""Lists judged programs, a batch at a time: a run of millions of programs streams through a pipe."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pyarrow as pa
import pyarrow.compute as pc

from results.judged import batches, find_judged
from results.schema import VERDICTS

FORMATS = ("table", "jsonl", "csv")
COLUMNS = (
    "problem_id",
    "sample",
    "author",
    "split",
    "difficulty",
    "verdict",
    "tests_passed",
    "tests_total",
    "wall_s",
    "cpu_s",
    "memory_mib",
    "logprob_sum",
    "token_count",
)
# The terminal's table leaves out what is mostly the same on all rows. Widths in characters; a longer value moves its line, whole.
WIDTHS = {
    "problem_id": 18,
    "sample": 6,
    "author": 26,
    "verdict": 13,
    "tests_passed": 12,
    "tests_total": 11,
    "wall_s": 8,
    "cpu_s": 8,
    "memory_mib": 10,
}
WORDS = ("problem_id", "author", "verdict")  # stand to the left, numbers to the right


def write_list(folder: Path, format: str, out: TextIO, verdict: str | None = None, author: str | None = None) -> None:  # noqa: A002
    """Writes a row a program of `folder` (a run directory, or what `sandbox judge` wrote) to `out`, in the order of its parts.

    jsonl: an object a line; the input's other columns stand beside ours (`extra.NAME` where the name is taken).
    csv: the same rows, the other columns as one JSON text in `extra`. table: fixed columns for reading.

    Raises FileNotFoundError where there are no judged programs, ValueError for an unknown format, verdict or author.
    """
    writers = {"table": _write_table, "jsonl": _write_jsonl, "csv": _write_csv}
    if format not in writers:
        raise ValueError(f"unknown format {format!r}; valid: {', '.join(FORMATS)}")
    if verdict is not None and verdict not in VERDICTS:
        raise ValueError(f"unknown verdict {verdict!r}; valid: {', '.join(VERDICTS)}")
    folders = find_judged(folder).programs
    if author is not None and author not in (there := _authors(folders)):
        raise ValueError(f"{folder}: no program of author {author!r}; authors there: {', '.join(sorted(there))}")
    writers[format](_rows(folders, verdict, author), out)


def _authors(folders: tuple[Path, ...]) -> set[str]:
    found: set[str] = set()
    for folder in folders:
        for batch in batches(folder, ["author"]):
            found.update(name for name in pc.unique(batch["author"]).to_pylist() if name is not None)
    return found


def _rows(folders: tuple[Path, ...], verdict: str | None, author: str | None) -> Iterator[dict[str, Any]]:
    for folder in folders:
        for batch in batches(folder, [*COLUMNS, "extra"]):
            for column, wanted in (("verdict", verdict), ("author", author)):
                if wanted is not None:
                    batch = batch.filter(pc.equal(batch[column].cast(pa.string()), wanted))
            for start in range(0, batch.num_rows, 1024):  # Python rows take far more memory than Arrow's
                for row in batch.slice(start, 1024).to_pylist():
                    yield {name: _number(value) for name, value in row.items()}


def _number(value: Any) -> Any:
    """JSON knows neither NaN nor infinity: such a number is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_jsonl(rows: Iterator[dict[str, Any]], out: TextIO) -> None:
    for row in rows:
        extra = json.loads(row.pop("extra") or "{}")
        row.update({name if name not in COLUMNS else f"extra.{name}": value for name, value in extra.items()})
        out.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_csv(rows: Iterator[dict[str, Any]], out: TextIO) -> None:
    writer = csv.DictWriter(out, [*COLUMNS, "extra"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _write_table(rows: Iterator[dict[str, Any]], out: TextIO) -> None:
    def line(cells: dict[str, str]) -> str:
        texts = (cells[name].ljust(width) if name in WORDS else cells[name].rjust(width) for name, width in WIDTHS.items())
        return "  ".join(texts).rstrip() + "\n"

    out.write(line({name: name for name in WIDTHS}))
    for row in rows:
        cells = {name: "–" if row[name] is None else str(row[name]) for name in WIDTHS}
        cells |= {name: f"{row[name]:.3f}" for name in ("wall_s", "cpu_s") if row[name] is not None}
        cells |= {name: f"{row[name]:.1f}" for name in ("memory_mib",) if row[name] is not None}
        out.write(line(cells))
