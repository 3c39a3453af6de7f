import numpy as np
import pytest

from results.stats import (
    clustered_mean,
    difference_over_runs,
    effective_n,
    mean_over_runs,
    student_t95,
    wilson_interval,
)


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


THREE = np.array([[10.0, 8, 2, 0], [10, 9, 2, 0], [10, 7, 2, 0]])  # runs of 4 problems, 10 programs each: 50, 52.5 and 47.5 %
TEN = np.full((3, 4), 10)


def test_mean_over_runs_by_hand():
    # Student's: s = 0.025, h = 4.30265 · 0.025 / √3 = 0.062103. The problems': 30, 24, 6, 0 of 30 are worth 4 draws (above), so
    # ± 0.349961 about 1/2. Together ± √(0.349961² + 0.062103²).
    mean, interval = mean_over_runs(THREE, TEN)
    assert mean == pytest.approx(0.5)
    assert (interval.low, interval.high) == (pytest.approx(0.5 - 0.355429, abs=1e-5), pytest.approx(0.5 + 0.355429, abs=1e-5))


def test_mean_over_runs_is_never_narrower_than_either():
    generator = np.random.default_rng(3)
    for runs in (2, 3, 8):
        sums = generator.binomial(5, generator.random((1, 12)), (runs, 12)).astype(np.float64)
        mean, both = mean_over_runs(sums, np.full((runs, 12), 5))
        problems = clustered_mean(sums.sum(axis=0), np.full(12, 5 * runs))[1]
        of_runs = sums.sum(axis=1) / 60
        half = student_t95(runs - 1) * of_runs.std(ddof=1) / np.sqrt(runs)
        assert both.low <= min(problems.low, max(0, mean - half))
        assert both.high >= max(problems.high, min(1, mean + half))


def test_one_run_and_equal_runs_have_the_problems_interval_alone():
    assert mean_over_runs(THREE[:1], TEN[:1]) == clustered_mean(THREE[0], TEN[0])
    same = np.tile(THREE[0], (3, 1))
    assert mean_over_runs(same, TEN)[1] == clustered_mean(3 * THREE[0], 3 * TEN[0])[1]


def test_a_problem_that_one_run_lacks():
    sizes = np.array([[10, 10], [10, 0]])
    mean, _ = mean_over_runs(np.array([[4.0, 8.0], [5.0, 0.0]]), sizes)
    assert mean == pytest.approx((0.6 + 0.5) / 2)
    with pytest.raises(ValueError, match="0 sums"):
        mean_over_runs(np.zeros((2, 2)), np.array([[1, 1], [0, 0]]))


def test_coverage_over_seeds_and_problems():
    generator = np.random.default_rng(4)
    both = problems_alone = runs_alone = 0
    draws, size = 400, np.full((3, 40), 4)
    for _ in range(draws):
        chance = 0.4 + generator.uniform(-0.12, 0.12, (3, 1)) + generator.uniform(-0.28, 0.28, (1, 40))
        passes = generator.binomial(4, chance).astype(np.float64)
        mean, interval = mean_over_runs(passes, size)
        alone = clustered_mean(passes.sum(axis=0), size.sum(axis=0))[1]
        half = student_t95(2) * (passes.mean(axis=1) / 4).std(ddof=1) / np.sqrt(3)
        both += interval.low <= 0.4 <= interval.high
        problems_alone += alone.low <= 0.4 <= alone.high
        runs_alone += abs(mean - 0.4) <= half
    assert both / draws >= 0.94
    assert problems_alone / draws < 0.85
    assert runs_alone <= both


def test_difference_over_runs_by_hand():
    # The other model passes 10, 6, 2, 0 of 10 in each run: d = 0.05, 0.075, 0.025, h = 0.062103 as above. Its problems are worth
    # 4 draws too: 0.45 [0.125431, 0.823563]. φ = 558 / √(612 · 531) = 0.978842 of the deviations 15, 9, -9, -15 and
    # 16.5, 4.5, -7.5, -13.5. Below √(0.349961² - 2φ · 0.349961 · 0.373563 + 0.373563²) = 0.07803, above 0.07383.
    other = np.tile([10.0, 6, 2, 0], (3, 1))
    d, interval = difference_over_runs((THREE, other), (TEN, TEN))
    assert d == pytest.approx(0.05)
    assert (interval.low, interval.high) == (pytest.approx(-0.04972, abs=2e-5), pytest.approx(0.14648, abs=2e-5))
    back, mirrored = difference_over_runs((other, THREE), (TEN, TEN))
    assert (back, mirrored.low, mirrored.high) == (pytest.approx(-d), pytest.approx(-interval.high), pytest.approx(-interval.low))
    one = difference_over_runs((THREE[:1], other[:1]), (TEN[:1], TEN[:1]))[1]
    assert one.high - one.low < interval.high - interval.low  # without the runs' luck


def test_two_models_that_never_pass_may_still_differ():
    zero, size = np.zeros((3, 5)), np.full((3, 5), 2)
    d, interval = difference_over_runs((zero, zero), (size, size))
    assert d == 0
    assert interval.high == pytest.approx(wilson_interval(0, 5).high)
    assert interval.low == -interval.high


def test_student_is_exact_where_runs_are_few():
    assert [round(student_t95(freedom), 3) for freedom in (1, 2, 3)] == [12.706, 4.303, 3.182]
    with pytest.raises(ValueError, match="given 0"):
        student_t95(0)
