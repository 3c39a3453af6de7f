"""The embedded data set `starter`: 72 small problems of our own, in all three modes, that a small model sometimes solves.

The split is part of the id (`starter/train/…`, `starter/test/…`): 48 problems to train on and 24 other tasks to evaluate on.
Modes and difficulties are spread evenly over the file, so that the first n problems of a split stand for all of it.
"""

from __future__ import annotations

from pathlib import Path

from sandbox.problem import Problem, read_problems

STARTER = Path(__file__).with_name("starter.jsonl")


def starter_problems(split: str | None) -> list[Problem]:
    """The problems of `split` ("train" or "test"), or all 72 for None."""
    return [problem for problem in read_problems(STARTER) if split is None or problem.problem_id.startswith(f"starter/{split}/")]
