"""APPS (Hendrycks et al., arXiv 2105.09938): a row a problem, its tests in `input_output`, judged as its authors judge.

Tests and solutions may stand as JSON or as JSON text, the difficulty in the row or in its `metadata`, the id under `problem_id`
or `id`: copies of the data set differ in this.
"""

from __future__ import annotations

import json
import re
from typing import Any

from sandbox.problem import Problem

# What APPS' own evaluation imports before a program, numpy aside; starter code such as `nums: List[int]` relies on it.
IMPORTS = """\
import collections, fractions, functools, heapq, itertools, math, random, sys, time
from collections import ChainMap, Counter, OrderedDict, defaultdict, deque
from functools import lru_cache
from heapq import heapify, heappop, heappush, heappushpop, heapreplace, merge, nlargest, nsmallest
from itertools import accumulate, combinations, permutations, product
from math import ceil, cos, exp, fabs, floor, gcd, log, log2, sin, sqrt, tan
from typing import List, Tuple
"""


def apps_row(row: dict[str, Any], file: str) -> tuple[str | None, Problem] | None:
    """(no split, problem), with `fn_name` of mode call, else of mode stdin; the first solution is the canonical one.

    A number as id counts from 0 in each file of APPS, so the file's name goes before it.
    None where nothing can judge: a row without tests, or one whose function takes a dict with integer keys (APPS means so
    where a first argument is a dict, and JSON cannot write it).
    """
    tests = _json(row["input_output"])
    if not tests or not tests["inputs"]:
        return None
    name, inputs, outputs = tests.get("fn_name"), tests["inputs"], tests["outputs"]
    if name is None:
        inputs, outputs = map(as_text, inputs), map(as_text, outputs)
    elif any(arguments and _has_integer_keys(arguments[0]) for arguments in inputs):
        return None
    number = row["problem_id"] if "problem_id" in row else row["id"]
    solutions = _json(row.get("solutions")) or [""]
    hidden = f"del {name}\n" if name in re.findall(r"\w+", IMPORTS) else ""  # an import must not pass for the program's own
    return None, Problem(
        problem_id=f"apps/{number}" if isinstance(number, str) else f"apps/{file}/{number}",
        question=row["question"],
        mode="stdin" if name is None else "call",
        difficulty=row["difficulty"] if "difficulty" in row else row["metadata"]["difficulty"],
        starter_code=row.get("starter_code") or "",
        entry_point=name,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        setup_code=IMPORTS + hidden,
        canonical_solution=solutions[0],
        source="apps",
        compare="apps",
    )


def as_text(value: Any) -> str:
    """A value of standard input or output as text.

    Text stays as it is. A list is one line an item, and a list in a list is one line of its items with spaces between (how APPS
    means its lists of lines); anything else as `print` shows it.
    """
    if isinstance(value, list):
        return "\n".join(" ".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)
    return str(value)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) and value else value


def _has_integer_keys(value: Any) -> bool:
    return isinstance(value, dict) and bool(value) and all(re.fullmatch(r"[+-]?\d+", key) for key in value)
