"""The written format of problems and programs: JSON Lines (also .gz) and Parquet, read by streaming.

The README's section "Problems and programs" documents every field. Bad input raises `InputError`, which names
the file, the line (row, in Parquet), the value and what would be valid.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Container, Iterable, Iterator
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq

from results.parts import write_part
from results.schema import DIFFICULTIES
from sandbox.compare import RULES, TOLERANCE

MODES = ("stdin", "call", "assert")
SPLITS = ("train", "test")
SUFFIXES = (".jsonl", ".jsonl.gz", ".parquet")

PROGRAMS = pa.schema(
    [
        ("problem_id", pa.string()),
        ("program", pa.string()),
        ("sample", pa.int32()),
        ("author", pa.string()),
        ("split", pa.string()),
        ("logprob_sum", pa.float64()),
        ("token_count", pa.int32()),
    ]
)


class InputError(ValueError):
    """Bad input, with its place: `file:line: what is wrong`."""

    def __init__(self, path: Path, line: int | None, what: str) -> None:
        super().__init__(f"{path}:{line}: {what}" if line is not None else f"{path}: {what}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One task x with its canonical solution y and unit tests u. Made by loaders; read by prompts and the judge."""

    problem_id: str
    question: str
    mode: str
    difficulty: str = "introductory"
    starter_code: str = ""
    entry_point: str | None = None
    inputs: tuple[Any, ...] = ()
    outputs: tuple[Any, ...] = ()
    setup_code: str = ""
    test_code: str = ""
    canonical_solution: str = ""
    source: str = ""
    compare: str = "exact"  # the rule, of those that `sandbox.compare.RULES` has for the mode
    tolerance: float = TOLERANCE  # of the rule `numbers`: absolute, or relative to the expected number

    def __post_init__(self) -> None:
        if not self.problem_id:
            raise ValueError("problem_id is empty")
        if self.mode not in MODES:
            raise ValueError(f"mode {self.mode!r} is not one of {', '.join(MODES)}")
        if self.difficulty not in DIFFICULTIES:
            raise ValueError(f"difficulty {self.difficulty!r} is not one of {', '.join(DIFFICULTIES)}")
        if self.compare not in RULES[self.mode]:
            raise ValueError(f"compare {self.compare!r} is not one of {', '.join(RULES[self.mode])} (mode {self.mode!r})")
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance {self.tolerance!r} is not from 0 to below 1")
        if self.tolerance != TOLERANCE and self.compare != "numbers":
            raise ValueError(f"tolerance {self.tolerance!r} has no meaning for compare {self.compare!r}; it is of 'numbers'")
        if self.mode != "stdin" and not self.entry_point:
            raise ValueError(f"mode {self.mode!r} needs an entry_point")
        if self.mode == "assert":
            if not self.test_code.strip():
                raise ValueError(f"problem {self.problem_id!r} has no tests: test_code is empty")
        else:
            if not self.inputs:
                raise ValueError(f"problem {self.problem_id!r} has no tests: inputs is empty")
            if len(self.inputs) != len(self.outputs):
                raise ValueError(f"{len(self.inputs)} inputs but {len(self.outputs)} outputs")
        for name, values, kind in (("input", self.inputs, str if self.mode == "stdin" else list), ("output", self.outputs, str)):
            if self.mode == "stdin" or (self.mode == "call" and name == "input"):
                for index, value in enumerate(values):
                    if not isinstance(value, kind):
                        raise ValueError(f"{name} {index} of mode {self.mode!r} must be a {kind.__name__}, not {value!r:.80}")


@dataclass(frozen=True, slots=True)
class Program:
    """One candidate. Made by models (or read from a file); read by the judge and by replay."""

    problem_id: str
    program: str
    sample: int = 0
    author: str = ""
    split: str | None = None
    logprob_sum: float | None = None
    token_count: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)  # columns that are carried along untouched

    def __post_init__(self) -> None:
        if self.split is not None and self.split not in SPLITS:
            raise ValueError(f"split {self.split!r} is not one of {', '.join(SPLITS)}, or null")
        for name, text in (("problem_id", self.problem_id), ("author", self.author)):
            if not text.isascii() and text.encode("utf-8", "ignore").decode() != text:
                raise ValueError(f"{name} {text!r} holds a lone surrogate, which cannot be written")
        for name, number in (("sample", self.sample), ("token_count", self.token_count or 0)):
            if not 0 <= number < 1 << 31:
                raise ValueError(f"{name} {number} is not from 0 to below 2^31")


def read_problems(path: Path) -> Iterator[Problem]:
    """Problems of a file or of a folder of such files, in order. A repeated problem_id is an error."""
    seen: set[str] = set()
    for file, line, row in read_rows(path):
        problem = cast(Problem, _made(Problem, row, file, line))
        if problem.problem_id in seen:
            raise InputError(file, line, f"problem_id {problem.problem_id!r} stands twice")
        seen.add(problem.problem_id)
        yield problem


def read_programs(path: Path, author: str | None = None, problem_ids: Container[str] | None = None) -> Iterator[Program]:
    """Programs of a file or of a folder of such files, in order.

    A missing `author` is `author`, else the file's name; a missing `sample` counts a problem's programs from 0.
    A program for a problem outside `problem_ids` is an error, where these are given.
    """
    counted: dict[tuple[str, str], int] = {}
    for file, line, row in read_rows(path):
        known = {name: row.pop(name) for name in PROGRAMS.names if name in row}
        if not known.get("author"):
            known["author"] = author or file.name.split(".")[0]
        key = (str(known.get("problem_id")), known["author"])
        if known.get("sample") is None:
            known["sample"] = counted.get(key, 0)
        counted[key] = counted.get(key, 0) + 1
        program = cast(Program, _made(Program, known | {"extra": row}, file, line))
        if unwritable := [name for name, value in row.items() if not _is_json(value)]:
            raise InputError(file, line, f"column {unwritable[0]!r} holds a value that JSON cannot carry along")
        if problem_ids is not None and program.problem_id not in problem_ids:
            raise InputError(file, line, f"problem_id {program.problem_id!r} is none of the problems given")
        yield program


def write_problems(path: Path, problems: Iterable[Problem]) -> None:
    """Writes JSON Lines (.jsonl or .jsonl.gz) beside and renames, so that a reader sees all or nothing."""
    beside = path.with_name("_" + path.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    opener = gzip.open if path.name.endswith(".gz") else open
    with opener(beside, "wt", encoding="utf-8") as file:
        for problem in problems:
            file.write(json.dumps(asdict(problem), ensure_ascii=False) + "\n")
    beside.rename(path)


def write_programs(folder: Path, name: str, programs: Iterable[Program]) -> Path:
    """Writes one Parquet part of programs, extra columns beside the known ones."""
    rows = [asdict(program) for program in programs]
    extras = {name: None for row in rows for name in row["extra"]}
    known = pa.Table.from_pylist([{name: row[name] for name in PROGRAMS.names} for row in rows], schema=PROGRAMS)
    for extra in extras:
        known = known.append_column(extra, pa.array([row["extra"].get(extra) for row in rows]))
    return write_part(folder, name, known)


def read_rows(path: Path) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """(file, line, row) of every row, from one file or a folder's files by name; `_` and `.` files are left out."""
    if not path.exists():
        raise InputError(path, None, "no such file or folder")
    files = sorted(p for p in path.iterdir() if p.name.endswith(SUFFIXES) and p.name[0] not in "_.") if path.is_dir() else [path]
    if not files:
        raise InputError(path, None, f"the folder holds no file ending in {', '.join(SUFFIXES)}")
    for file in files:
        if not file.name.endswith(SUFFIXES):
            raise InputError(file, None, f"the file's name must end in one of {', '.join(SUFFIXES)}")
        rows = _parquet_rows(file) if file.suffix == ".parquet" else _json_rows(file)
        yield from ((file, line, row) for line, row in rows)


def _json_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    opener = gzip.open if file.suffix == ".gz" else open
    line = 0
    sys.set_int_max_str_digits(0)  # tests hold integers of any length
    try:
        with opener(file, "rt", encoding="utf-8") as stream:
            for line, text in enumerate(stream, 1):
                if text.strip():
                    row = json.loads(text)
                    if not isinstance(row, dict):
                        raise InputError(file, line, f"not a JSON object: {text.strip()[:80]}")
                    yield line, row
    except json.JSONDecodeError as error:
        raise InputError(file, line, f"broken JSON: {error.msg} at column {error.colno}") from error
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise InputError(file, line + 1, f"unreadable: {error}") from error


def _parquet_rows(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    row_number = 0
    try:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(batch_size=1024):
                for row in batch.to_pylist():
                    row_number += 1
                    yield row_number, row
    except pa.ArrowInvalid as error:
        raise InputError(file, None, f"not a Parquet file: {error}") from error


def _is_json(value: Any) -> bool:
    if isinstance(value, (list, dict)):
        return all(map(_is_json, value.values() if isinstance(value, dict) else value))
    return value is None or isinstance(value, (str, int, float))


def _made(kind: type[Problem] | type[Program], row: dict[str, Any], file: Path, line: int) -> Problem | Program:
    """The dataclass of a row, with types checked; null means the field's default."""
    names = {f.name: f for f in fields(kind)}
    unknown = sorted(set(row) - set(names))
    if unknown:
        raise InputError(file, line, f"unknown field {unknown[0]!r}; a {kind.__name__.lower()} has {', '.join(names)}")
    values: dict[str, Any] = {}
    for name, value in row.items():
        wanted = str(names[name].type)
        if value is None:
            continue
        if wanted.startswith("tuple"):
            value = json.loads(value) if isinstance(value, str) else value  # Parquet carries tests as JSON text
            right = isinstance(value, list)
            value = tuple(value) if right else value
        elif wanted.startswith("str"):
            right = isinstance(value, str)
        elif wanted.startswith("int"):
            right = isinstance(value, int) and not isinstance(value, bool)
        elif wanted.startswith("float"):
            right = isinstance(value, (int, float)) and not isinstance(value, bool)
        else:
            right = isinstance(value, dict)
        if not right:
            raise InputError(file, line, f"{name} must be {wanted}, not {value!r:.80}")
        values[name] = value
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise InputError(file, line, str(error).replace(f"{kind.__name__}.__init__() ", "")) from error
