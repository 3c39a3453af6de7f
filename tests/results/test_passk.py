import json
from fractions import Fraction
from itertools import combinations
from math import comb
from pathlib import Path

import pytest

from results.passk import pass_at_k

PEER_CASES = Path(__file__).parents[2].parent / "shared" / "data" / "peer_cases.json"


def test_hand_worked():
    # 3 of 10 pass. Of C(10, 5) = 252 draws of five, C(7, 5) = 21 hold none: 231/252.
    assert pass_at_k(10, 3, 5) == 231 / 252
    assert pass_at_k(4, 1, 2) == 0.5
    assert pass_at_k(10, 6, 5) == 1  # five draws cannot all be among the four that fail
    assert pass_at_k(7, 0, 7) == 0


def test_is_the_share_of_draws_that_hold_a_pass():
    for n in range(1, 8):
        for c in range(n + 1):
            for k in range(1, n + 1):
                draws = list(combinations(range(n), k))
                assert pass_at_k(n, c, k) == sum(min(draw) < c for draw in draws) / len(draws)


def test_stays_exact_where_floats_cancel_or_overflow():
    assert pass_at_k(10**9, 1, 1) == 1e-9  # one minus a float product gives 9.99999972e-10
    exact = Fraction(comb(5000, 2500) - comb(4990, 2500), comb(5000, 2500))  # terms far beyond the largest double
    assert pass_at_k(5000, 10, 2500) == float(exact)


@pytest.mark.parametrize(
    ("n", "c", "k", "named"),
    [(5, 2, 6, "k=6 and n=5"), (5, 2, 0, "k=0"), (5, 6, 1, "n=5 programs of which c=6"), (5, -1, 1, "c=-1"), (0, 0, 1, "n=0")],
)
def test_bad_values_are_named(n, c, k, named):
    with pytest.raises(ValueError, match=named):
        pass_at_k(n, c, k)


@pytest.mark.skipif(not PEER_CASES.exists(), reason=f"the peers' cases are not at {PEER_CASES}")
def test_agrees_with_peers():
    cases = json.loads(PEER_CASES.read_text())["pass_at_k"]
    for case in cases["cases"] + cases["derived"]:
        assert pass_at_k(case["n"], case["c"], case["k"]) == pytest.approx(case["expected"], abs=1e-12)
    for score in cases["harness_scores"]:
        problems = score["verdicts"]
        assert sum(pass_at_k(len(v), sum(v), 1) for v in problems) / len(problems) == score["pass_at_1"]
