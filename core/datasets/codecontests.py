"""CodeContests (Li et al., arXiv 2203.07814), a row a problem with its tests and one Python solution."""

from __future__ import annotations

from typing import Any

from sandbox.problem import Problem


def codecontests_row(row: dict[str, Any], _: str) -> tuple[str | None, Problem]:
    """(no split, problem) of mode stdin; all count as competition, as they come from contests."""
    return None, Problem(
        problem_id=row["task_id"],
        question=row["question"],
        mode="stdin",
        difficulty="competition",
        inputs=tuple(row["inputs"]),
        outputs=tuple(row["outputs"]),
        canonical_solution=row["canonical_solution"],
        source="codecontests",
        compare="codecontests",
    )
