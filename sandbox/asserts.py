"""Test code cut into tests: each assert that can be run on its own becomes one, so that a pass rate means something.

Test code is trusted (it comes with the data set); it is parsed and rewritten here. A program never is.
"""

from __future__ import annotations

import ast
import builtins
import copy
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache

from sandbox.problem import Problem


@dataclass(frozen=True, slots=True)
class AssertTest:
    """One test of an `assert` problem: code that raises nothing where the program is right."""

    code: str
    label: str  # the assert, for a person to read


@dataclass(frozen=True, slots=True)
class AssertTests:
    """All tests of a problem, and the names in them that only the program can define."""

    tests: tuple[AssertTest, ...]
    remote_names: tuple[str, ...]


def split(problem: Problem) -> AssertTests:
    """The tests of an `assert` problem, in HumanEval's layout (`check(candidate)`) or MBPP's (bare asserts).

    Raises ValueError where the test code, or the set-up code, is no Python.
    """
    assert problem.entry_point is not None
    return _split(problem.problem_id, problem.entry_point, problem.test_code, problem.setup_code)


@lru_cache(maxsize=1024)  # a problem has many programs
def _split(problem_id: str, entry_point: str, test_code: str, setup_code: str) -> AssertTests:
    try:
        with warnings.catch_warnings(action="ignore"):  # "\\d" in a data set is not ours to mend
            tree = ast.parse(test_code)
            ast.parse(setup_code)
    except SyntaxError as error:
        raise ValueError(f"problem {problem_id!r}: test_code or setup_code is no Python: {error}") from error
    check = next((s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == "check"), None)
    if check is None:
        tests = [(_unparse(body), label) for body, label in _cut(tree.body)]
    else:
        call = ast.parse(f"check({entry_point})").body
        rest = [s for s in tree.body if s is not check and not _calls(s, "check")]
        tests = [(_unparse([*rest, _with_body(check, body), *call]), label) for body, label in _cut(check.body)]
    free = _free_names(tree) - {entry_point}
    modules = free & sys.stdlib_module_names & _attributed(tree)  # `sys.getsizeof(…)`: Python's own, not the program's
    imports = "".join(f"import {name}\n" for name in sorted(modules))
    return AssertTests(tuple(AssertTest(imports + code, label) for code, label in tests), (entry_point, *sorted(free - modules)))


def _cut(body: list[ast.stmt]) -> list[tuple[list[ast.stmt], str]]:
    """Each assert-holding statement with the set-up statements before it; the whole as one test where they are entangled."""
    units = [i for i, s in enumerate(body) if _asserts(s) and not isinstance(s, (ast.FunctionDef, ast.ClassDef))]
    whole = [(body, "the test code as a whole")]
    if not units or any(_asserts(s) for s in body if isinstance(s, (ast.FunctionDef, ast.ClassDef))):
        return whole
    loads, stores = [_names(s, ast.Load) for s in body], [_names(s, ast.Store) for s in body]
    for i in units:
        if stores[i] and any((loads[k] - stores[k]) & stores[i] for k in range(i + 1, len(body))):
            return whole
    tested = [i for i in units if not _is_constant(body[i])] or units
    shared = _objects([s for k, s in enumerate(body) if k not in units])
    return [([*_before(body, units, i, loads, shared), body[i]], _unparse([body[i]])) for i in tested]


def _objects(setup: list[ast.stmt]) -> set[str]:
    """Names that the set-up statements bind to what a test may change: not to constants, functions, classes, modules."""
    fixed = (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
    return {
        name
        for statement in setup
        if not isinstance(statement, fixed)
        and not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Constant))
        for name in _names(statement, ast.Store)
    }


def _before(body: list[ast.stmt], units: list[int], unit: int, loads: list[set[str]], shared: set[str]) -> list[ast.stmt]:
    """What runs before a test: the set-up, and earlier tests that touch the same objects, whatever their own outcome."""
    touched = loads[unit] & shared
    before: list[ast.stmt] = []
    for k, statement in enumerate(body[:unit]):
        if k not in units:
            before.append(statement)
        elif loads[k] & touched:
            ignored = ast.ExceptHandler(type=ast.Name("AssertionError", ast.Load()), name=None, body=[ast.Pass()])
            before.append(ast.Try(body=[statement], handlers=[ignored], orelse=[], finalbody=[]))
    return before


def _asserts(statement: ast.stmt) -> bool:
    return any(isinstance(node, ast.Assert) for node in ast.walk(statement))


def _is_constant(statement: ast.stmt) -> bool:
    """`assert True, "…"` tests nothing."""
    return isinstance(statement, ast.Assert) and isinstance(statement.test, ast.Constant)


def _names(node: ast.AST, context: type[ast.expr_context]) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, context)}


def _calls(statement: ast.stmt, name: str) -> bool:
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name


def _with_body(function: ast.FunctionDef, body: list[ast.stmt]) -> ast.FunctionDef:
    replaced = copy.copy(function)
    replaced.body = body
    return replaced


def _unparse(body: list[ast.stmt]) -> str:
    return ast.unparse(ast.fix_missing_locations(ast.Module(body=body, type_ignores=[])))


def _attributed(tree: ast.Module) -> set[str]:
    """Names with a dot behind them somewhere."""
    return {n.value.id for n in ast.walk(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}


def _free_names(tree: ast.Module) -> set[str]:
    """Names that the test code reads and neither it nor Python defines (the set-up code may: the checker knows)."""
    defined = _names(tree, ast.Store) | set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            defined.add(node.name)
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ExceptHandler) and node.name:
            defined.add(node.name)
    return _names(tree, ast.Load) - defined
