import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import reward as rewards
from core.reward import program_reward, reward, worst
from sandbox.verdict import ProgramResult, TestResult, Verdict, overall

PEERS = Path("../shared/data/peer_cases.json")


def judged(*verdicts, total=None):
    tests = tuple(TestResult(i, Verdict(verdict)) for i, verdict in enumerate(verdicts))
    return ProgramResult(overall(tests), tests, len(tests) if total is None else total)


@pytest.mark.parametrize(
    ("verdicts", "stepcoder", "rltf", "pass_fraction"),
    [
        (["pass", "pass"], 1.0, 1.0, 1.0),
        (["pass", "wrong_answer", "pass", "pass"], -0.3, 0.675, 0.75),  # −0.3 + 1.3·3/4
        (["wrong_answer", "wrong_answer"], -0.3, -0.3, 0.0),
        (["pass", "runtime_error"], -0.6, -0.6, 0.5),
        (["pass", "time_limit"], -0.6, -0.6, 0.5),
        (["memory_limit", "pass"], -0.6, -0.6, 0.5),
        (["output_limit"], -0.6, -0.6, 0.0),
        (["wrong_answer", "runtime_error", "pass", "pass"], -0.6, -0.6, 0.5),  # the first failure is not the worst
        (["compile_error", "compile_error"], -1.0, -1.0, 0.0),
        (["wrong_answer", "time_limit", "compile_error"], -1.0, -1.0, 0.0),
        (["pass", "judge_error"], None, None, None),
        (["compile_error", "judge_error", "pass"], None, None, None),
        ([], None, None, None),
    ],
)
def test_rewards_by_hand(verdicts, stepcoder, rltf, pass_fraction):
    result = judged(*verdicts)
    assert program_reward(result) == program_reward(result, "stepcoder") == program_reward(result, "coderl") == stepcoder
    assert program_reward(result, "rltf") == pytest.approx(rltf)
    assert program_reward(result, "pass_fraction") == pass_fraction


def test_judging_that_stopped_at_the_first_failure_counts_the_tests_not_run_as_not_passed():
    result = judged("pass", "wrong_answer", total=4)
    assert program_reward(result) == -0.3
    assert program_reward(result, "rltf") == pytest.approx(-0.3 + 1.3 / 4)
    assert program_reward(result, "pass_fraction") == 0.25


def test_the_worst_of_the_words_in_parquet():
    assert worst(["pass", "wrong_answer", "time_limit"]) is Verdict.TIME_LIMIT
    assert worst(iter(["pass", "memory_limit", "runtime_error"])) is Verdict.MEMORY_LIMIT  # equally bad: the first
    assert reward("time_limit", 1, 3) == -0.6
    with pytest.raises(ValueError, match="'timeout' is not a valid Verdict"):
        worst(["timeout"])


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=8), st.sampled_from(list(rewards.SCHEMES)))
def test_only_passing_all_tests_gives_one_and_no_order_of_tests_matters(verdicts, scheme):
    found = program_reward(judged(*verdicts), scheme)
    assert (found is None) == (Verdict.JUDGE_ERROR in verdicts)
    if found is not None:
        assert -1 <= found <= 1
        assert (found == 1) == (set(verdicts) == {Verdict.PASS})
    assert found == program_reward(judged(*reversed(verdicts)), scheme)


def test_every_verdict_has_a_level_but_the_judges_own():
    assert set(rewards.LEVELS) == set(Verdict) - {Verdict.JUDGE_ERROR}
    assert list(rewards.LEVELS.values()) == sorted(rewards.LEVELS.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pass", 1, 1, "apps"), "scheme 'apps' is not one of stepcoder, coderl, rltf, pass_fraction"),
        (("judge_error", 0, 0, "apps"), "scheme 'apps'"),  # not only once the first program was judged
        (("pass", 1, 2), "1 of 2 tests passed cannot be with the verdict pass"),
        (("wrong_answer", 2, 2), "2 of 2 .* wrong_answer"),
        (("wrong_answer", -1, 2), "-1 of 2"),
        (("runtime_error", 3, 2), "3 of 2"),
        (("pass", 0, 0), "0 of 0"),
        (("ok", 1, 1), "'ok' is not a valid Verdict"),
    ],
)
def test_bad_values_are_named(arguments, said):
    with pytest.raises(ValueError, match=said):
        reward(*arguments)


def test_the_peers_agree():
    if not PEERS.exists():
        pytest.skip(f"{PEERS} is not on this machine")
    peers = json.loads(PEERS.read_text())["coarse_rewards"]
    ours = {
        "-2 compile error": judged("compile_error"),
        "-1 runtime error": judged("runtime_error", "pass"),
        "False failed a test": judged("pass", "wrong_answer"),
        "True passed all": judged("pass"),
    }
    for scheme in ("stepcoder", "coderl"):
        assert {code: program_reward(result, scheme) for code, result in ours.items()} == peers["codes"]
    assert peers["rltf_adaptive"] == "-0.3 + 1.3*pass_ratio for failed tests"
    adaptive = peers["codes"] | {"False failed a test": -0.3 + 1.3 * 0.5}
    assert {code: program_reward(result, "rltf") for code, result in ours.items()} == adaptive
