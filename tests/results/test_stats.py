import numpy as np
import pytest

from results.stats import clustered_mean, effective_n, student_t95, wilson_interval


def test_wilson_by_hand():
    # 8 of 10, z² = 3.8415: centre (0.8 + 0.19207)/1.38415 = 0.71674, half (1.96 √(0.016 + 0.0096037))/1.38415 = 0.22658
    interval = wilson_interval(0.8, 10)
    assert (interval.low, interval.high) == (pytest.approx(0.49016, abs=1e-5), pytest.approx(0.94332, abs=1e-5))
    none = wilson_interval(0, 10)
    assert (none.low, none.high) == (0, pytest.approx(3.841459 / 13.841459, abs=1e-6))
    assert wilson_interval(1, 10).high == 1


def test_effective_n_by_hand():
    # 4 problems of 5 programs pass 5, 4, 1, 0: p = 1/2, SE² = 4/3 · (2.5² + 1.5² + 1.5² + 2.5²) / 20² = 17/300.
    # n_eff = (1/4) / (17/300) · (1.95996 / 3.18245)² = 4.4118 · 0.37930 = 1.67, and four problems are never less than 4.
    assert effective_n(np.array([5.0, 4, 1, 0]), np.full(4, 5)) == 4
    # Passing 3, 3, 2, 2 of 5: SE² = 4/3 · 4 · 0.25 / 400 = 1/300, n_eff = 75 · 0.37930 = 28.4, and 20 programs are never more.
    assert effective_n(np.array([3.0, 3, 2, 2]), np.full(4, 5)) == 20
    # Passing 4, 3, 2, 1 of 5: SE² = 4/3 · 5 / 400 = 1/60, n_eff = 15 · 0.37930
    assert effective_n(np.array([4.0, 3, 2, 1]), np.full(4, 5)) == pytest.approx(15 * 0.37930, rel=3e-3)


def test_where_the_standard_error_says_nothing():
    full = np.full(6, 10)
    assert effective_n(np.zeros(6), full) == 6  # all fail
    assert effective_n(np.full(6, 10.0), full) == 6  # all pass
    assert effective_n(np.array([7.0]), np.array([10])) == 1  # one problem tells nothing about the next
    assert effective_n(np.full(6, 5.0), full) == 60  # the problems agree exactly
    # All pass, and one problem has nearly all programs: it counts little more than one draw.
    assert effective_n(np.array([1000.0, 1, 1]), np.array([1000, 1, 1])) == pytest.approx(1.004, abs=1e-3)


def test_student_quantile_against_printed_tables():
    for freedom, printed in ((4, 2.776), (9, 2.262), (29, 2.045), (163, 1.975)):
        assert student_t95(freedom) == pytest.approx(printed, abs=1.5e-3)


@pytest.mark.parametrize("problems", [6, 40])
def test_coverage_holds_where_programs_share_their_problems_fate(problems):
    generator = np.random.default_rng(20)
    programs, truth, draws = 10, 0.25, 1500
    clustered = naive = 0
    for _ in range(draws):
        chance = generator.beta(0.5, 1.5, problems)
        passes = generator.binomial(programs, chance).astype(np.float64)
        p, interval = clustered_mean(passes, np.full(problems, programs))
        plain = wilson_interval(p, problems * programs)
        clustered += interval.low <= truth <= interval.high
        naive += plain.low <= truth <= plain.high
    assert 0.93 <= clustered / draws <= 0.985
    assert naive / draws < 0.75  # what a table without clusters would claim to be 95 %


def test_one_program_a_problem_is_plain_wilson():
    values = np.array([1.0, 0, 0, 1, 1, 0, 0, 0, 0, 0])
    mean, interval = clustered_mean(values, np.ones(10, dtype=np.int64))
    assert mean == 0.3
    assert interval == wilson_interval(0.3, 10)


def test_no_value_is_an_error():
    with pytest.raises(ValueError, match="0 sums"):
        clustered_mean(np.array([]), np.array([], dtype=np.int64))
    with pytest.raises(ValueError, match=r"p=1\.5"):
        wilson_interval(1.5, 3)
