"""Data sets as problems. One file a data set; a file in the project's own format is a data set too.

No torch here, nor anything else that is slow to import: a config is checked in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.datasets.humaneval import humaneval_problems
from core.datasets.starter import starter_problems
from sandbox.problem import SPLITS, SUFFIXES, Problem, read_problems

# name → (the splits it has, its loader)
DATASETS: dict[str, tuple[tuple[str, ...], Callable[[str | None], list[Problem]]]] = {
    "humaneval": (("test",), humaneval_problems),
    "starter": (SPLITS, starter_problems),
}


def load_problems(name: str, split: str | None) -> list[Problem]:
    """The problems of a data set, in its own order.

    `name`: one of `DATASETS`, or the path of a file or folder in the format of `sandbox.problem` (.jsonl, .jsonl.gz, .parquet).
    `split`: one of the data set's splits, or None for all problems; a path has no splits, so only None.
    Raises ValueError for an unknown name or split, `InputError` (a ValueError) for a bad file.
    """
    if name in DATASETS:
        splits, load = DATASETS[name]
        if split is not None and split not in splits:
            raise ValueError(f"split {split!r} of data set {name!r} is not one of {', '.join(splits)}, or null for all")
        return load(split)
    path = Path(name)
    if not path.exists() and not name.endswith(SUFFIXES):
        raise ValueError(
            f"data set {name!r} is not one of {', '.join(DATASETS)}, nor the path of a file or folder ({', '.join(SUFFIXES)})"
        )
    if split is not None:
        raise ValueError(f"split {split!r} of {name}: a path has no splits; give null, and a path for each split")
    return list(read_problems(path))
