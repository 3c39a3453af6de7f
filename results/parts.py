"""Immutable Parquet parts: written beside as `_part-…`, renamed when whole.

A part that is there is whole, so a reader never waits and a writer never repairs.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def write_part(folder: Path, name: str, table: pa.Table) -> Path:
    """Writes `folder/part-NAME.parquet`; a reader sees all of it or nothing.

    Two writers of one name are harmless: each writes a file of its own beside, the last rename wins.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"part-{name}.parquet"
    beside = folder / f"_part-{name}.{os.uname().nodename}.{os.getpid()}"
    try:
        with beside.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        beside.rename(part)
    finally:
        beside.unlink(missing_ok=True)
    return part


def part_paths(folder: Path) -> list[Path]:
    """The whole parts of `folder`, by name; empty where the folder does not exist."""
    return sorted(folder.glob("part-*.parquet"))


def read_parts(folder: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of all parts, in the order of the parts' names.

    Raises FileNotFoundError where `folder` holds no part.
    """
    paths = part_paths(folder)
    if not paths:
        raise FileNotFoundError(f"{folder} holds no Parquet part (part-*.parquet)")
    tables = [pq.read_table(path, columns=list(columns) if columns else None) for path in paths]
    return pa.concat_tables(tables, promote_options="permissive")


def iter_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """The rows of all parts, a batch at a time in memory."""
    for path in part_paths(folder):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(columns=list(columns) if columns else None):
                yield from batch.to_pylist()
