"""Real programs with known verdicts. All of them: `python -m benchmarks.judge_agreement`; here a thin slice."""

import json

import pytest

from benchmarks import judge_agreement
from benchmarks.convert import DATA


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
