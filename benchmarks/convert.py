"""Converts public data sets into the project's format of problems and programs.

    python -m benchmarks.convert mbpp     mbpp.jsonl                  mbpp.problems.jsonl.gz [--solutions FILE]
    python -m benchmarks.convert unified  codecontests_train.jsonl.gz problems.jsonl.gz      [--solutions FILE]
    python -m benchmarks.convert teachers humaneval-gpt-4.jsonl.gz    programs.jsonl.gz

SOURCE is a file, or a folder, whose files are converted one by one into files of the folder OUT. `--solutions` writes the
canonical solutions as programs of the author `canonical`, in the same way. Ends with one line of JSON.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.problem import SUFFIXES, InputError, Problem, read_rows, write_problems

DATA = Path("../shared/data")
CANONICAL = "canonical"  # author of the canonical solutions
Row = dict[str, Any]


@dataclass(slots=True)
class Converted:
    """What one source file became: problems (mbpp, unified) or programs (teachers, as JSON rows)."""

    problems: list[Problem] = field(default_factory=list)
    programs: list[Row] = field(default_factory=list)
    rewritten: int = 0  # rows of mode stdin with a test value that was not text

    def solutions(self) -> list[Row]:
        """The canonical solutions as programs."""
        return [
            {"problem_id": p.problem_id, "sample": 0, "author": CANONICAL, "program": p.canonical_solution} for p in self.problems
        ]


def mbpp(source: Path) -> Converted:
    """MBPP (Austin et al., arXiv 2108.07732): mode assert, bare asserts of `test_list`; the challenge tests are left out.

    The entry point is the function of the reference code that the asserts call. Two rows build objects of the program's own
    class in `test_setup_code`; that cannot stand before the program, so it opens the tests instead.
    """
    converted = Converted()
    for file, line, row in read_rows(source):
        code, setup = unix(row["code"]), unix(row["test_setup_code"])
        tests = [unix(test).strip() for test in row["test_list"]]
        try:
            tree = ast.parse(code)
            entry_point = called_function(tree, tests)
            setup_first = not names(ast.parse(setup)) & defined(tree, ast.FunctionDef, ast.ClassDef)
        except (SyntaxError, ValueError) as error:
            raise InputError(file, line, f"task_id {row['task_id']}: {error}") from error
        converted.problems.append(
            Problem(
                problem_id=f"mbpp/{row['task_id']}",
                question=row["text"],
                mode="assert",
                starter_code=signature(tree, entry_point),
                entry_point=entry_point,
                setup_code=setup if setup_first else "",
                test_code="\n".join(tests if setup_first else [setup, *tests]) + "\n",
                canonical_solution=code,
                source="mbpp",
            )
        )
    return converted


def unified(source: Path) -> Converted:
    """The layout of APPS+: `fn_name` null means stdin, a name means call; `id` becomes problem_id."""
    converted = Converted()
    for file, line, row in read_rows(source):
        inputs, outputs = row["inputs"], row["outputs"]
        if row["fn_name"] is None:
            converted.rewritten += any(not isinstance(value, str) for value in inputs + outputs)
            inputs, outputs = [as_text(value) for value in inputs], [as_text(value) for value in outputs]
        try:
            converted.problems.append(
                Problem(
                    problem_id=row["id"],
                    question=row["question"],
                    mode="stdin" if row["fn_name"] is None else "call",
                    difficulty=row["difficulty"],
                    starter_code=row["starter_code"],
                    entry_point=row["fn_name"],
                    inputs=tuple(inputs),
                    outputs=tuple(outputs),
                    canonical_solution=row["solution"],
                    source=stem(file),
                    compare="equal",  # its outputs were written for Python's ==: 2 stands for 2.0, False for 0
                )
            )
        except ValueError as error:
            raise InputError(file, line, f"id {row['id']}: {error}") from error
    return converted


def teachers(source: Path) -> Converted:
    """Model programs with published verdicts: the file `humaneval-gpt-4.jsonl.gz` holds the author gpt-4's."""
    author = stem(source).removeprefix("humaneval-")
    converted = Converted()
    for _, _, row in read_rows(source):
        converted.programs.append(
            {
                "problem_id": row["problem_id"],
                "sample": row["sample"],
                "author": author,
                "program": row["program"],
                "published": row["published"],
            }
        )
    return converted


KINDS: dict[str, Callable[[Path], Converted]] = {"mbpp": mbpp, "unified": unified, "teachers": teachers}


def called_function(code: ast.Module, tests: list[str]) -> str:
    """The one top-level function of `code` that every test calls, also inside another call such as `set(f(x)) == …`."""
    functions = defined(code, ast.FunctionDef)
    called = [names(ast.parse(test), called_only=True) & functions for test in tests]
    common = set.intersection(*called) if called else set()
    if len(common) != 1:
        raise ValueError(
            f"the tests call {sorted(set().union(*called))} of the code's functions {sorted(functions)}; wanted is one"
        )
    return common.pop()


def defined(code: ast.Module, *kinds: type[ast.FunctionDef] | type[ast.ClassDef]) -> set[str]:
    """Names that the module defines at its top level."""
    return {node.name for node in code.body if isinstance(node, kinds)}


def names(tree: ast.AST, called_only: bool = False) -> set[str]:
    """Plain names that the tree uses; only those it calls with `called_only`."""
    nodes = (
        node.func if isinstance(node, ast.Call) else node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) or not called_only
    )
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def signature(code: ast.Module, function: str) -> str:
    """The `def` line of a top-level function."""
    node = next(n for n in code.body if isinstance(n, ast.FunctionDef) and n.name == function)
    return f"def {function}({ast.unparse(node.args)}):\n"


def as_text(value: Any) -> str:
    """A value of standard input or output as text.

    Text stays as it is. A list is one line an item, and a list in a list is one line of its items with spaces between (how APPS
    means its lists of lines); anything else as `print` shows it.
    """
    if isinstance(value, list):
        return "\n".join(" ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)
    return str(value)


def unix(text: str) -> str:
    """Unix line ends. Python reads both kinds alike, also inside string literals; tools that count lines do not."""
    return text.replace("\r\n", "\n")


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
    figures = {"files": 0, "problems": 0, "programs": 0, "solutions": 0, "rewritten": 0}
    for file, written, solved in jobs(source, out, solutions):
        converted = KINDS[kind](file)
        if converted.problems:
            write_problems(written, converted.problems)
        else:
            write_rows(written, converted.programs)
        if solved:
            write_rows(solved, converted.solutions())
            figures["solutions"] += len(converted.problems)
        figures["files"] += 1
        figures["problems"] += len(converted.problems)
        figures["programs"] += len(converted.programs)
        figures["rewritten"] += converted.rewritten
        print(f"{file.name} -> {written}: {len(converted.problems) + len(converted.programs)} rows")
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
            parser.error("--solutions: teachers are programs already; valid with mbpp and unified")
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
