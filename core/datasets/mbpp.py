"""MBPP (Austin et al., arXiv 2108.07732) as its authors lay it out: a row a problem, three asserts in `test_list`."""

from __future__ import annotations

import ast
import warnings
from typing import Any

from sandbox.problem import Problem

LAST_IDS = {"prompt": 10, "test": 510, "validation": 600, "train": 974}  # its splits are ranges of task_id, in this order


def mbpp_row(row: dict[str, Any], _: str) -> tuple[str | None, Problem]:
    """(split, problem) of mode assert, with the bare asserts of `test_list`; the challenge tests are left out.

    The entry point is the function of the reference code that the asserts call. Two rows build objects of the program's own
    class in `test_setup_code`; that cannot stand before the program, so it opens the tests instead.
    """
    code, setup = _unix(row["code"]), _unix(row["test_setup_code"])
    tests = [_unix(test).strip() for test in row["test_list"]]
    tree = _parsed(code)
    entry_point = _called_function(tree, tests)
    setup_first = not _names(_parsed(setup)) & _defined(tree, ast.FunctionDef, ast.ClassDef)
    return next((split for split, last in LAST_IDS.items() if row["task_id"] <= last), None), Problem(
        problem_id=f"mbpp/{row['task_id']}",
        question=row["text"],
        mode="assert",
        starter_code=_signature(tree, entry_point),
        entry_point=entry_point,
        setup_code=setup if setup_first else "",
        test_code="\n".join(tests if setup_first else [setup, *tests]) + "\n",
        canonical_solution=code,
        source="mbpp",
    )


def _called_function(code: ast.Module, tests: list[str]) -> str:
    """The one top-level function of `code` that every test calls, also inside another call such as `set(f(x)) == …`."""
    functions = _defined(code, ast.FunctionDef)
    called = [_names(_parsed(test), called_only=True) & functions for test in tests]
    common = set.intersection(*called) if called else set()
    if len(common) != 1:
        raise ValueError(
            f"the tests call {sorted(set().union(*called))} of the code's functions {sorted(functions)}; wanted is one"
        )
    return common.pop()


def _defined(code: ast.Module, *kinds: type[ast.FunctionDef] | type[ast.ClassDef]) -> set[str]:
    """Names that the module defines at its top level."""
    return {node.name for node in code.body if isinstance(node, kinds)}


def _names(tree: ast.AST, called_only: bool = False) -> set[str]:
    """Plain names that the tree uses; only those it calls with `called_only`."""
    nodes = (
        node.func if isinstance(node, ast.Call) else node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) or not called_only
    )
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _signature(code: ast.Module, function: str) -> str:
    """The `def` line of a top-level function."""
    node = next(n for n in code.body if isinstance(n, ast.FunctionDef) and n.name == function)
    return f"def {function}({ast.unparse(node.args)}):\n"


def _parsed(code: str) -> ast.Module:
    """The tree of the data set's code, whose odd escapes such as "\\W" are no news to the user."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


def _unix(text: str) -> str:
    """Unix line ends. Python reads both kinds alike, also inside string literals; tools that count lines do not."""
    return text.replace("\r\n", "\n")
