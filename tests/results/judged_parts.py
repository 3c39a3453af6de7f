"""Judged programs for the tests, written as the judge writes them."""

from pathlib import Path

import pyarrow as pa

from results.parts import write_part
from results.schema import PROGRAMS


def program(problem, passed, total=4, **columns):
    row = {
        "problem_id": problem,
        "author": "model",
        "sample": 0,
        "split": "test",
        "difficulty": "introductory",
        "verdict": "pass" if passed == total else "wrong_answer",
        "tests_passed": passed,
        "tests_total": total,
        "wall_s": 0.5,
        "cpu_s": 0.25,
        "memory_mib": 12.0,
    }
    return row | columns


def write_judged(folder: Path, *parts):
    """Each of `parts` is a list of `program` rows; program_row counts on over the parts."""
    start = 0
    for index, rows in enumerate(parts):
        numbered = [{"program_row": start + at} | row for at, row in enumerate(rows)]
        start += len(rows)
        write_part(folder / "programs", f"{index:05d}", pa.Table.from_pylist(numbered, schema=PROGRAMS))
    return folder


def write_run(run: Path):
    """A finished run: a train split to leave out, a model before, and the same model after."""
    before = {"author": "base"}
    after = {"author": "base+btp"}
    train = [program(f"t/{i}", 4, split="train", **before) for i in range(3)]
    easy = {"difficulty": "introductory"}
    hard = {"difficulty": "competition"}
    write_judged(run / "judge-train", train)
    write_judged(
        run / "judge-before",
        [program("a", 4, **before, **easy), program("a", 2, sample=1, **before, **easy)],
        [program("b", 0, **before, **hard), program("b", 1, sample=1, **before, **hard)],
    )
    write_judged(
        run / "judge-after",
        [program("a", 4, **after, **easy), program("a", 4, sample=1, **after, **easy)],
        [program("b", 4, **after, **hard), program("b", 1, sample=1, **after, **hard)],
    )
    return run
