"""Public data sets as their authors lay them out: what becomes of a row, which rule it gets, what a bad row says."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from core.datasets import load_problems
from sandbox.problem import InputError, write_problems
from tests.core.test_datasets import passed

APPS_ROW = {
    "id": 7,
    "question": "Count.",
    "solutions": json.dumps(["def count(nums: List[int]):\n    return len(nums)\n"]),
    "input_output": json.dumps({"fn_name": "count", "inputs": [[[1, 2]], [[]]], "outputs": [[2], 0]}),
    "difficulty": "interview",
    "starter_code": "def count(nums: List[int]):\n",
}
CODECONTESTS_ROW = {"task_id": "c/1", "question": "?", "canonical_solution": "s", "inputs": ["1", "2"], "outputs": ["0.5", "1"]}
MBPP_ROW = {
    "task_id": 601,
    "text": "Double it.",
    "code": "def helper(x):\r\n  return x\r\ndef double(x):\r\n  return 2 * helper(x)",
    "test_setup_code": "",
    "test_list": ["assert double(1) == 2", "assert set([double(2)]) == {4}"],
    "challenge_test_list": ["assert double(3) == 6"],
}
UNIFIED_ROW = {
    "id": "u/1", "split": "test", "question": "?", "difficulty": "competition", "starter_code": "", "fn_name": None,
    "inputs": [["1 2", [3, 4]]], "outputs": [5], "solution": "print(5)",
}  # fmt: skip


def loaded(tmp_path, layout, *rows, split=None):
    file = tmp_path / "some.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_problems(f"{layout}:{file}", split)


def test_apps_layout(tmp_path):
    lines = {"inputs": [["1", "2"], "3\n"], "outputs": [["a", "b"], "c\n"]}
    stdin = {"problem_id": "train/0001", "question": "?", "input_output": lines, "metadata": {"difficulty": "competition"}}
    keyed = APPS_ROW | {"id": 8, "input_output": {"fn_name": "f", "inputs": [[{"1": 2}]], "outputs": [[3]]}}
    untested = APPS_ROW | {"id": 9, "input_output": ""}
    call, printed = loaded(tmp_path, "apps", APPS_ROW, stdin, keyed, untested)
    assert (call.problem_id, call.mode, call.entry_point, call.difficulty) == ("apps/some/7", "call", "count", "interview")
    assert (call.inputs, call.outputs, call.compare) == (([[1, 2]], [[]]), ([2], 0), "apps")
    assert passed(replace(call, outputs=(2, 0)), call.canonical_solution) == 2, "its annotations need the imports"
    assert (printed.problem_id, printed.mode, printed.difficulty) == ("apps/train/0001", "stdin", "competition")
    assert (printed.inputs, printed.outputs, printed.compare) == (("1\n2", "3\n"), ("a\nb", "c\n"), "apps")


def test_an_import_of_apps_does_not_stand_for_the_program(tmp_path):
    (problem,) = loaded(tmp_path, "apps", APPS_ROW | {"input_output": {"fn_name": "gcd", "inputs": [[4, 6]], "outputs": [2]}})
    names: dict = {}
    exec(problem.setup_code, names)
    assert "gcd" not in names
    assert "sqrt" in names


def test_codecontests_layout(tmp_path):
    (problem,) = loaded(tmp_path, "codecontests", CODECONTESTS_ROW)
    assert (problem.problem_id, problem.mode, problem.compare, problem.difficulty) == (
        "c/1", "stdin", "codecontests", "competition",
    )  # fmt: skip
    assert (problem.inputs, problem.outputs) == (("1", "2"), ("0.5", "1"))


def test_mbpp_layout_and_its_splits(tmp_path):
    rows = [MBPP_ROW | {"task_id": number} for number in (10, 11, 510, 511, 601)]
    assert [p.problem_id for p in loaded(tmp_path, "mbpp", *rows, split="test")] == ["mbpp/11", "mbpp/510"]
    assert len(loaded(tmp_path, "mbpp", *rows)) == 5
    (problem,) = loaded(tmp_path, "mbpp", *rows, split="train")
    assert (problem.mode, problem.entry_point, problem.starter_code) == ("assert", "double", "def double(x):\n")
    assert problem.test_code == "assert double(1) == 2\nassert set([double(2)]) == {4}\n"
    assert passed(problem, problem.canonical_solution) == 2
    with pytest.raises(ValueError, match=r"split 'dev' of mbpp:.* is not one of prompt, test, validation, train, or null"):
        loaded(tmp_path, "mbpp", *rows, split="dev")


def test_unified_layout(tmp_path):
    call = UNIFIED_ROW | {"id": "u/2", "fn_name": "f", "inputs": [[1]], "outputs": [2.0], "split": "train"}
    (printed,) = loaded(tmp_path, "unified", UNIFIED_ROW, call, split="test")
    assert (printed.inputs, printed.outputs, printed.compare, printed.source) == (("1 2\n3 4",), ("5",), "exact", "some")
    (called,) = loaded(tmp_path, "unified", UNIFIED_ROW, call, split="train")
    assert (called.inputs, called.outputs, called.compare) == (([1],), (2.0,), "equal")


def test_bad_rows_of_a_layout_name_file_and_line(tmp_path):
    with pytest.raises(InputError, match=r"some\.jsonl:1: no field 'input_output'; is this the layout apps"):
        loaded(tmp_path, "apps", MBPP_ROW)
    with pytest.raises(InputError, match=r"some\.jsonl:2: problem_id 'c/1' stands twice"):
        loaded(tmp_path, "codecontests", CODECONTESTS_ROW, CODECONTESTS_ROW)
    with pytest.raises(InputError, match=r"some\.jsonl:1: no row of the layout codecontests: 1 inputs but 2 outputs"):
        loaded(tmp_path, "codecontests", CODECONTESTS_ROW | {"inputs": ["1"]})
    with pytest.raises(
        InputError, match=r"some\.jsonl:1: no row of the layout mbpp: the tests call \[\] of the code's functions"
    ):
        loaded(tmp_path, "mbpp", MBPP_ROW | {"test_list": ["assert True"]})
    with pytest.raises(ValueError, match=r"split 'train' of codecontests:.* is unknown: its rows name none; give null"):
        loaded(tmp_path, "codecontests", CODECONTESTS_ROW, split="train")


@pytest.mark.parametrize(
    ("name", "modes"),
    [
        ("apps:../shared/data/apps/apps_train5_full.jsonl.gz", {"stdin": 3, "call": 2}),
        ("codecontests:../shared/data/codecontests/codecontests_python300.jsonl.gz", {"stdin": 300}),
        ("mbpp:../shared/data/mbpp/mbpp.jsonl", {"assert": 974}),
        ("unified:../shared/data/unified/leetcode_train.jsonl.gz", {"call": 1731}),
    ],
)
def test_real_files_load_whole_and_survive_writing(name, modes, tmp_path):
    layout, _, path = name.partition(":")
    if not Path(path).exists():
        pytest.skip(f"{path} is not on this machine")
    problems = load_problems(name, None)
    assert Counter(problem.mode for problem in problems) == modes
    rules = {"apps": "apps", "codecontests": "codecontests", "mbpp": "exact", "unified": "equal"}
    assert {problem.compare for problem in problems} == {rules[layout]}
    write_problems(tmp_path / "written.jsonl.gz", problems)
    assert load_problems(str(tmp_path / "written.jsonl.gz"), None) == problems
