"""The written format: what is read back, and where a bad line is."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sandbox.problem import InputError, Problem, Program, read_problems, read_programs, write_problems, write_programs

GOOD = {"problem_id": "p", "question": "q", "mode": "stdin", "inputs": ["1"], "outputs": ["2"]}


def written(tmp_path, *rows, name="f.jsonl"):
    path = tmp_path / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (GOOD | {"mode": "stdout"}, "mode 'stdout' is not one of stdin, call, assert"),
        (GOOD | {"difficulty": "easy"}, "difficulty 'easy' is not one of introductory, interview, competition"),
        (GOOD | {"inputs": [], "outputs": []}, "problem 'p' has no tests: inputs is empty"),
        (GOOD | {"outputs": ["1", "2"]}, "1 inputs but 2 outputs"),
        (GOOD | {"mode": "call"}, "mode 'call' needs an entry_point"),
        (
            GOOD | {"mode": "call", "entry_point": "f", "inputs": [3], "outputs": [3]},
            "input 0 of mode 'call' must be a list, not 3",
        ),
        (GOOD | {"mode": "assert", "entry_point": "f"}, "test_code is empty"),
        (GOOD | {"inputs": [1]}, "input 0 of mode 'stdin' must be a str, not 1"),
        (GOOD | {"quesiton": ""}, "unknown field 'quesiton'; a problem has problem_id, question, mode"),
        (GOOD | {"question": 3}, "question must be str, not 3"),
        ('{"problem_id": ', "broken JSON"),
        ("[1]", "not a JSON object"),
        (GOOD, "problem_id 'p' stands twice"),
    ],
)
def test_bad_problem_names_file_and_line(tmp_path, row, what):
    path = written(tmp_path, GOOD, row)
    with pytest.raises(InputError) as error:
        list(read_problems(path))
    assert str(error.value).startswith(f"{path}:2: ")
    assert what in str(error.value)


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ({"problem_id": "p"}, "missing 1 required positional argument: 'program'"),
        ({"problem_id": "p", "program": 1}, "program must be str, not 1"),
        ({"problem_id": "p", "program": "", "sample": "0"}, "sample must be int, not '0'"),
        ({"problem_id": "p", "program": "", "split": "dev"}, "split 'dev' is not one of train, test"),
        ({"problem_id": "x", "program": ""}, "problem_id 'x' is none of the problems given"),
    ],
)
def test_bad_program_names_file_and_line(tmp_path, row, what):
    path = written(tmp_path, {"problem_id": "p", "program": ""}, row)
    with pytest.raises(InputError, match="f.jsonl:2: ") as error:
        list(read_programs(path, problem_ids={"p"}))
    assert what in str(error.value)


def test_missing_file_wrong_ending_truncated_gzip(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        list(read_problems(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match="must end in one of .jsonl, .jsonl.gz, .parquet"):
        list(read_problems(written(tmp_path, GOOD, name="f.json")))
    whole = gzip.compress(b"".join(json.dumps(GOOD | {"problem_id": str(i)}).encode() + b"\n" for i in range(2000)))
    (tmp_path / "cut.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="unreadable"):
        list(read_problems(tmp_path / "cut.jsonl.gz"))
    (tmp_path / "no.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(InputError, match="not a Parquet file"):
        list(read_programs(tmp_path / "no.parquet"))


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz"])
def test_problems_survive_writing(tmp_path, name):
    problems = [
        Problem("a", "Ü?", "stdin", inputs=("1\n",), outputs=("2\n",), difficulty="interview"),
        Problem("b", "q", "call", entry_point="f", inputs=([1, "x", None],), outputs=({"k": [1.5, 10**5000]},)),
        Problem("c", "q", "assert", entry_point="f", test_code="assert f()", setup_code="import math"),
    ]
    write_problems(tmp_path / name, problems)
    assert list(read_problems(tmp_path / name)) == problems
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_parquet_problems_carry_tests_as_json_text(tmp_path):
    pq.write_table(pa.Table.from_pylist([GOOD | {"inputs": '["1"]', "outputs": '["2"]'}]), tmp_path / "p.parquet")
    assert list(read_problems(tmp_path / "p.parquet")) == [Problem("p", "q", "stdin", inputs=("1",), outputs=("2",))]


def test_programs_defaults_and_extra_columns(tmp_path):
    rows = [
        {"problem_id": "p", "program": "1", "seed": 7},
        {"problem_id": "p", "program": "2"},
        {"problem_id": "q", "program": "3"},
    ]
    programs = list(read_programs(written(tmp_path, *rows, name="gpt-9.jsonl")))
    assert [(p.author, p.sample, p.extra) for p in programs] == [("gpt-9", 0, {"seed": 7}), ("gpt-9", 1, {}), ("gpt-9", 0, {})]
    assert [p.author for p in read_programs(tmp_path / "gpt-9.jsonl", author="me")] == ["me"] * 3


def test_programs_survive_parquet_parts(tmp_path):
    programs = [Program("p", "x = 1", 0, "m", "train", -3.5, 4, {"finished": True}), Program("q", "", 1, "m")]
    write_programs(tmp_path / "out", "00000", programs[:1])
    write_programs(tmp_path / "out", "00001", programs[1:])
    (tmp_path / "out" / "_part-00002.parquet").write_bytes(b"half")
    assert list(read_programs(tmp_path / "out")) == programs
