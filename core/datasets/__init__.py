"""Data sets as problems: those that come along, files in the project's own format, and files in a public data set's layout.

No torch here, nor anything else that is slow to import: a config is checked in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from core.datasets.apps import apps_row
from core.datasets.codecontests import codecontests_row
from core.datasets.generated import FORM, problems_named
from core.datasets.humaneval import humaneval_problems
from core.datasets.mbpp import mbpp_row
from core.datasets.starter import starter_problems
from core.datasets.unified import unified_row
from sandbox.problem import SPLITS, SUFFIXES, InputError, Problem, read_problems, read_rows

# name → (the splits it has, its loader)
DATASETS: dict[str, tuple[tuple[str, ...], Callable[[str | None], list[Problem]]]] = {
    "humaneval": (("test",), humaneval_problems),
    "starter": (SPLITS, starter_problems),
}
# layout → what makes (split or None, problem) of a row and its file's name without endings; None where nothing could judge it
LAYOUTS: dict[str, Callable[[dict[str, Any], str], tuple[str | None, Problem] | None]] = {
    "apps": apps_row,
    "codecontests": codecontests_row,
    "mbpp": mbpp_row,
    "unified": unified_row,
}
GENERATED = "generated"  # before a colon: the family of tasks whose name goes on with its counts and seed


def load_problems(name: str, split: str | None) -> list[Problem]:
    """The problems of a data set, in its own order.

    `name`: one of `DATASETS`; the path of a file or folder in the format of `sandbox.problem` (.jsonl, .jsonl.gz, .parquet); such
    a path in one of `LAYOUTS`, as in `apps:path/to/train.jsonl.gz`; or `generated`, as in `generated:interview-200:seed-1`.
    `split`: one of the data set's splits, or None for all problems. Of the layouts, mbpp and unified have splits; a path in the
    project's own format has none.
    Raises ValueError for an unknown name or split, `InputError` (a ValueError) for a bad file.
    """
    if name.partition(":")[0] == GENERATED:
        return problems_named(name, split)
    if name in DATASETS:
        splits, load = DATASETS[name]
        if split is not None and split not in splits:
            raise ValueError(f"split {split!r} of data set {name!r} is not one of {', '.join(splits)}, or null for all")
        return load(split)
    layout, path = _layout_and_path(name)
    if layout is None and not path.exists() and not name.endswith(SUFFIXES):
        raise ValueError(
            f"data set {name!r} is not one of {', '.join(DATASETS)}, nor the path of a file or folder ({', '.join(SUFFIXES)}), "
            f"nor LAYOUT:PATH with one of the layouts {', '.join(LAYOUTS)}, nor {FORM}"
        )
    if layout is not None:
        rows = list(_laid_out(layout, path))
        splits = tuple(dict.fromkeys(found for found, _ in rows if found is not None))
        if split is not None and split not in splits:
            valid = (
                f"is not one of {', '.join(splits)}, or null for all" if splits else "is unknown: its rows name none; give null"
            )
            raise ValueError(f"split {split!r} of {name} {valid}")
        return [problem for found, problem in rows if split is None or found == split]
    if split is not None:
        raise ValueError(f"split {split!r} of {name}: a path has no splits; give null, and a path for each split")
    return list(read_problems(path))


def absolute(name: str) -> str:
    """A data set's name, its path made absolute where it has one: for jobs that run in another folder."""
    layout, path = _layout_and_path(name)
    if name in DATASETS or name.partition(":")[0] == GENERATED or not (layout or "/" in name or path.exists()):
        return name
    return f"{layout}:{path.expanduser().absolute()}" if layout else str(path.expanduser().absolute())


def _layout_and_path(name: str) -> tuple[str | None, Path]:
    layout, _, path = name.partition(":")
    return (layout, Path(path)) if layout in LAYOUTS and path else (None, Path(name))


def _laid_out(layout: str, path: Path) -> Iterator[tuple[str | None, Problem]]:
    """(split, problem) of each row that can be judged. `InputError` names the file and the line."""
    seen: set[str] = set()
    for file, line, row in read_rows(path):
        try:
            made = LAYOUTS[layout](row, file.name.split(".")[0])
        except KeyError as error:
            raise InputError(file, line, f"no field {error}; is this the layout {layout}?") from error
        except (AttributeError, SyntaxError, TypeError, ValueError) as error:
            raise InputError(file, line, f"no row of the layout {layout}: {error}") from error
        if made is None:
            continue
        if made[1].problem_id in seen:
            raise InputError(file, line, f"problem_id {made[1].problem_id!r} stands twice")
        seen.add(made[1].problem_id)
        yield made
