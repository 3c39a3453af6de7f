"""Converts public data sets into the project's format of problems and programs.

    python -m benchmarks.convert mbpp         mbpp.jsonl               mbpp.problems.jsonl.gz [--solutions FILE]
    python -m benchmarks.convert codecontests python300.jsonl.gz       problems.jsonl.gz      [--solutions FILE]
    python -m benchmarks.convert teachers     humaneval-gpt-4.jsonl.gz programs.jsonl.gz

SOURCE is a file, or a folder, whose files are converted one by one into files of the folder OUT. `--solutions` writes the
canonical solutions as programs of the author `canonical`, in the same way. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import gzip
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.datasets import LAYOUTS, load_problems
from sandbox.problem import SUFFIXES, InputError, Problem, read_rows, write_problems

DATA = Path("../shared/data")
CANONICAL = "canonical"  # author of the canonical solutions
KINDS = (*LAYOUTS, "teachers")  # teachers: programs; the others: problems
Row = dict[str, Any]


def teacher_programs(file: Path) -> list[Row]:
    """Model programs with published verdicts: the file `humaneval-gpt-4.jsonl.gz` holds the author gpt-4's."""
    author = stem(file).removeprefix("humaneval-")
    columns = ("problem_id", "sample", "program", "published")
    return [{"author": author} | {name: row[name] for name in columns} for _, _, row in read_rows(file)]


def solutions_of(problems: list[Problem]) -> list[Row]:
    """The canonical solutions as programs, of the problems that have one."""
    return [
        {"problem_id": p.problem_id, "sample": 0, "author": CANONICAL, "program": p.canonical_solution}
        for p in problems
        if p.canonical_solution
    ]


def stem(file: Path) -> str:
    """The file's name without .jsonl.gz and the like (a name such as gpt-3.5 keeps its dot)."""
    return next((file.name.removesuffix(suffix) for suffix in SUFFIXES if file.name.endswith(suffix)), file.name)


def write_rows(path: Path, rows: list[Row]) -> None:
    """Writes JSON Lines, .gz or plain, beside and renames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name("_" + path.name)
    with gzip.open(beside, "wt", encoding="utf-8") if path.suffix == ".gz" else beside.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    beside.rename(path)


def sources(data: Path) -> Iterator[tuple[str, Path]]:
    """(kind, folder or file) of the data sets that lie under `data`."""
    for kind, name in (("mbpp", "mbpp/mbpp.jsonl"), ("unified", "unified"), ("teachers", "teachers")):
        if (data / name).exists():
            yield kind, data / name


def jobs(source: Path, out: Path, solutions: Path | None) -> Iterator[tuple[Path, Path, Path | None]]:
    """(source file, file to write, file of solutions to write) of every file of `source`."""
    if not source.is_dir():
        yield source, out, solutions
        return
    files = sorted(p for p in source.iterdir() if p.name.endswith(SUFFIXES) and p.name[0] not in "_.")
    if not files:
        raise InputError(source, None, f"the folder holds no file ending in {', '.join(SUFFIXES)}")
    for file in files:
        name = f"{stem(file)}.jsonl.gz"
        yield file, out / name, solutions / name if solutions else None


def convert(kind: str, source: Path, out: Path, solutions: Path | None) -> dict[str, int]:
    """Converts a file, or each file of a folder; the counts of what was written."""
    figures = {"files": 0, "problems": 0, "programs": 0, "solutions": 0}
    for file, written, solved in jobs(source, out, solutions):
        problems = load_problems(f"{kind}:{file}", None) if kind in LAYOUTS else []
        programs = [] if kind in LAYOUTS else teacher_programs(file)
        solving = solutions_of(problems) if solved else []
        if kind in LAYOUTS:
            write_problems(written, problems)
        else:
            write_rows(written, programs)
        if solved:
            write_rows(solved, solving)
        figures["files"] += 1
        for name, made in (("problems", problems), ("programs", programs), ("solutions", solving)):
            figures[name] += len(made)
        print(f"{file.name} -> {written}: {len(problems) + len(programs)} rows")
    return figures


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.convert", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument(
        "kind", choices=KINDS, nargs="?", help="with nothing at all: everything under --data, to a folder that is dropped"
    )
    parser.add_argument("source", type=Path, metavar="SOURCE", nargs="?")
    parser.add_argument(
        "out", type=Path, metavar="OUT", nargs="?", help="a .jsonl or .jsonl.gz file; a folder where SOURCE is one"
    )
    parser.add_argument("--solutions", type=Path, metavar="FILE", help="write the canonical solutions as programs there")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=f"where the data sets lie (default {DATA})")
    options = parser.parse_args(arguments)
    try:
        if options.kind is None:
            with tempfile.TemporaryDirectory() as folder:
                outs = [
                    (kind, source, Path(folder) / kind / ("" if source.is_dir() else "out.jsonl.gz"))
                    for kind, source in sources(options.data)
                ]
                print(json.dumps({kind: convert(kind, source, out, None) for kind, source, out in outs}))
            return
        if options.source is None or options.out is None:
            parser.error("name KIND, SOURCE and OUT, or nothing")
        if options.solutions and options.kind == "teachers":
            parser.error(f"--solutions: teachers are programs already; valid with {', '.join(LAYOUTS)}")
        for path in (options.out, options.solutions):
            if path and path.resolve() == options.source.resolve():
                parser.error(f"{path} is SOURCE itself, and would be overwritten")
            if path and not options.source.is_dir() and not path.name.endswith((".jsonl", ".jsonl.gz")):
                parser.error(f"{path}: the file's name must end in .jsonl or .jsonl.gz")
        print(json.dumps({"kind": options.kind} | convert(options.kind, options.source, options.out, options.solutions)))
    except InputError as error:
        parser.error(str(error))
    except KeyError as error:
        parser.error(f"{options.source}: a row has no field {error}; is it a file of kind {options.kind}?")


if __name__ == "__main__":
    main()
