"""Rows in the manner of APPS+ (arXiv 2402.01391): tests, one verified solution, and `fn_name`, which is null for stdin."""

from __future__ import annotations

from typing import Any

from core.datasets.apps import as_text
from sandbox.problem import Problem


def unified_row(row: dict[str, Any], file: str) -> tuple[str | None, Problem]:
    """(the row's own split, problem); the file's name is its source.

    Outputs of calls were written for Python's ==, where 2 stands for 2.0 and False for 0.
    """
    inputs, outputs, name = row["inputs"], row["outputs"], row["fn_name"]
    if name is None:
        inputs, outputs = map(as_text, inputs), map(as_text, outputs)
    return row.get("split"), Problem(
        problem_id=row["id"],
        question=row["question"],
        mode="stdin" if name is None else "call",
        difficulty=row["difficulty"],
        starter_code=row["starter_code"],
        entry_point=name,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        canonical_solution=row["solution"],
        source=file,
        compare="exact" if name is None else "equal",
    )
