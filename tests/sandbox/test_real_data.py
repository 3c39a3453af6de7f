"""Real programs with known verdicts. All of them: `python -m benchmarks.judge_agreement`; here a thin slice."""

import json

import pytest

from benchmarks import judge_agreement
from benchmarks.convert import DATA
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program, read_rows
from sandbox.verdict import Verdict


@pytest.mark.slow
def test_all_canonical_solutions_of_humaneval_pass(judge, capsys):
    assert judge_agreement.main(["--only", "humaneval"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["agree"] == 164


@pytest.mark.slow
@pytest.mark.parametrize(("group", "every", "programs"), [("teachers", 60, 84), ("mbpp", 25, 39), ("unified", 60, 69)])
def test_known_verdicts(judge, capsys, group, every, programs):
    if not (DATA / group).exists():
        pytest.skip(f"{DATA / group} is not on this machine")
    status = judge_agreement.main(["--only", group, "--every", str(every)])
    output = capsys.readouterr().out
    assert status == 0, output
    assert json.loads(output.splitlines()[-1])["programs"] == programs


@pytest.mark.slow
def test_each_buggy_program_of_quixbugs_is_refused_and_its_mended_one_is_not(judge):
    """But for two exponential ones, whose mended form takes minutes, and a root that is right within a tolerance only."""
    file = DATA / "quixbugs" / "quixbugs.jsonl.gz"
    if not file.exists():
        pytest.skip(f"{file} is not on this machine")
    listed = "\n_generator = {0}\ndef {0}(*args):\n    return list(_generator(*args))\n"
    refused = passed = 0
    with Judge(JudgeOptions(Limits(cpu_s=1.0, wall_s=10.0), stop_at_first_failure=True)) as strict:
        for _, _, row in read_rows(file):
            name, (inputs, outputs) = row["name"], zip(*row["tests"], strict=True)
            problem = Problem(name, "", "call", entry_point=name, inputs=inputs, outputs=outputs, compare="equal")
            wrapper = listed.format(name) if "yield" in row["correct"] else ""
            refused += strict.judge(problem, Program(name, row["buggy"] + wrapper)).verdict is not Verdict.PASS
            if name not in ("knapsack", "levenshtein", "sqrt"):
                passed += strict.judge(problem, Program(name, row["correct"] + wrapper)).verdict is Verdict.PASS
    assert (refused, passed) == (31, 28)
