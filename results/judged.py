"""Finds judged programs, and adds them up by problem without holding their rows in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from results.parts import part_paths
from results.schema import VERDICTS

BATCH_ROWS = 1 << 18
STAGE_ORDER = ("judge-train", "judge-before", "judge-after")  # as they run; other stages follow by name
KEYS = ["author", "problem_id", "difficulty", "split"]
COUNTS = ["programs", "passes", "rate_sum", "judge_errors"]
ROW_KEYS = ["program_row", "problem_id", "author", "sample"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A folder the user named, with the folders of judged parts found in it."""

    name: str  # the run's name where several folders are shown together
    folder: Path
    programs: tuple[Path, ...]  # each holds at least one part, in the order of the stages
    unfinished: tuple[str, ...]  # a sentence a stage that has judged nothing yet, or not everything


def find_judged(folder: Path) -> Judged:
    """Looks at `folder` as a run directory (judge-*/programs) or as a folder that `sandbox judge` wrote (programs).

    Raises FileNotFoundError where it is neither, saying what was looked for.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder")
    if part_paths(folder / "programs"):
        return Judged(folder.resolve().name, folder, (folder / "programs",), ())
    stages = {path.name.split("-", 1)[1] for kind in ("judge", "sample") for path in folder.glob(f"{kind}-*") if path.is_dir()}
    names = sorted((f"judge-{stage}" for stage in stages), key=lambda name: (_stage_rank(name), name))
    found = tuple(folder / name / "programs" for name in names if part_paths(folder / name / "programs"))
    if not found:
        looked = "programs/part-*.parquet (a folder that `python -m sandbox judge` wrote)"
        looked += " or judge-*/programs/part-*.parquet (a run directory)"
        waiting = f"; no part is there yet of {', '.join(names)}" if names else ""
        raise FileNotFoundError(f"{folder}: no judged programs; looked for {looked}{waiting}")
    unfinished = tuple(note for name in names if (note := _unfinished(folder, name)))
    return Judged(folder.resolve().name, folder, found, unfinished)


def _stage_rank(name: str) -> int:
    return STAGE_ORDER.index(name) if name in STAGE_ORDER else len(STAGE_ORDER)


def _unfinished(run: Path, judge: str) -> str | None:
    """Compares the rows of the judged parts with those that were sampled; reads the parts' footers only."""
    judged = sum(_open(part).metadata.num_rows for part in part_paths(run / judge / "programs"))
    sampled = sum(_open(part).metadata.num_rows for part in part_paths(run / judge.replace("judge-", "sample-", 1)))
    if judged >= max(sampled, 1):
        return None
    return f"{judge} has judged {judged:,} of {sampled:,} programs so far" if sampled else f"{judge} has no programs yet"


def find_all(folders: Sequence[Path]) -> list[Judged]:
    """`find_judged` of each; folders of one name are told apart by their paths. Raises ValueError where one is given twice."""
    if not folders:
        raise ValueError("no folder given: name a run directory or a folder that `python -m sandbox judge` wrote")
    resolved = [folder.resolve() for folder in folders]
    if twice := [str(folder) for folder, path in zip(folders, resolved, strict=True) if resolved.count(path) > 1]:
        raise ValueError(f"{twice[-1]}: given twice")
    found = [find_judged(folder) for folder in folders]
    names = [judged.name for judged in found]
    return [
        Judged(str(judged.folder), judged.folder, judged.programs, judged.unfinished) if names.count(judged.name) > 1 else judged
        for judged in found
    ]


def _open(part: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(part)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{part}: not a Parquet file: {error}") from error


def batches(folder: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The parts' rows, at most BATCH_ROWS at a time. Raises ValueError naming the part and the columns it lacks."""
    for part in part_paths(folder):
        with _open(part) as file:
            if lacking := [column for column in columns if column not in file.schema_arrow.names]:
                raise ValueError(f"{part}: not the judge's programs, it has no column {', '.join(lacking)}")
            yield from file.iter_batches(batch_size=BATCH_ROWS, columns=list(columns))


def count_by_problem(judged: Judged) -> pa.Table:
    """One row a (author, problem_id, difficulty, split), with the sums of its programs.

    Columns: KEYS (strings, never null), programs, passes, judge_errors (int64), rate_sum (float64, the sum of
    tests_passed / tests_total; NaN where not all tests were run). programs, passes and rate_sum leave judge_error out: the
    judge failed there, not the program.
    Raises ValueError for a verdict nobody knows, for a program without tests, for a program judged twice, and where
    the parts hold no program at all.
    """
    counted = []
    for folder in judged.programs:
        rows = []
        for batch in batches(folder, ["program_row", *KEYS, "verdict", "tests_passed", "tests_run", "tests_total"]):
            table = pa.Table.from_batches([batch])
            rows.append(table["program_row"].to_numpy())
            counted.append(add_up(_values(table, folder), KEYS))
        if rows:  # an empty shard writes a part without rows
            _refuse_doubled(np.concatenate(rows), folder)
    if not counted:
        raise ValueError(f"{judged.folder}: its parts hold no program")
    return add_up(pa.concat_tables(counted), KEYS)


def _values(table: pa.Table, folder: Path) -> pa.Table:
    """The rows as COUNTS of one program each."""
    verdict = table["verdict"].cast(pa.string())
    known = pc.fill_null(pc.is_in(verdict, value_set=pa.array(VERDICTS)), False)
    if not pc.all(known, min_count=0).as_py():
        raise ValueError(f"{folder}: unknown verdict {pc.filter(verdict, pc.invert(known))[0]}; valid: {', '.join(VERDICTS)}")
    failed = pc.equal(verdict, "judge_error")
    passed, total = (pc.fill_null(table[column].cast(pa.float64()), 0.0) for column in ("tests_passed", "tests_total"))
    sound = pc.and_(pc.greater(total, 0), pc.less_equal(passed, total))
    if not pc.all(pc.or_(sound, failed), min_count=0).as_py():
        row = table.filter(pc.invert(pc.or_(sound, failed))).slice(0, 1).to_pylist()[0]
        raise ValueError(
            f"{folder}: problem {row['problem_id']}, program_row {row['program_row']}: tests_passed {row['tests_passed']} "
            f"of tests_total {row['tests_total']} is no share of tests"
        )
    rate = pc.if_else(failed, 0.0, pc.divide(passed, pc.if_else(failed, 1.0, total)))
    stopped = pc.less(pc.fill_null(table["tests_run"].cast(pa.float64()), np.inf), total)
    rate = pc.if_else(pc.and_(stopped, pc.invert(failed)), np.nan, rate)
    one = pa.int64()
    keys = [
        pc.fill_null(table["author"].cast(pa.string()), "(no author)"),
        table["problem_id"].cast(pa.string()),
        pc.fill_null(table["difficulty"].cast(pa.string()), ""),
        pc.fill_null(table["split"].cast(pa.string()), "test"),
    ]
    values = [pc.invert(failed).cast(one), pc.equal(verdict, "pass").cast(one), rate, failed.cast(one)]
    return pa.Table.from_arrays([*keys, *values], names=[*KEYS, *COUNTS])


def add_up(counts: pa.Table, keys: list[str]) -> pa.Table:
    """The COUNTS columns summed over rows of equal `keys`, in the order in which the keys first come."""
    # One thread keeps the order of rows, and so the last digit of the sums, the same from run to run.
    summed = counts.group_by(keys, use_threads=False).aggregate([(column, "sum") for column in COUNTS])
    return summed.select(keys + [f"{column}_sum" for column in COUNTS]).rename_columns([*keys, *COUNTS])


def _refuse_doubled(rows: np.ndarray, folder: Path) -> None:
    """Parts of two ways to shard one input (4 shards, then 8) would count programs twice: refused, not averaged away."""
    rows.sort()
    doubled = np.unique(rows[1:][rows[1:] == rows[:-1]])
    if not len(doubled):
        return
    suspects = [pa.Table.from_batches([batch]) for batch in batches(folder, ROW_KEYS)]
    table = pa.concat_tables(suspects).filter(pc.is_in(pc.field("program_row"), value_set=pa.array(doubled)))
    counted = table.group_by(ROW_KEYS).aggregate([([], "count_all")])
    for row in counted.filter(pc.greater(counted["count_all"], 1)).slice(0, 1).to_pylist():
        raise ValueError(
            f"{folder}: sample {row['sample']} of problem {row['problem_id']} by {row['author']} was judged more than once; "
            "shards of different counts must not share a folder"
        )
