"""Means and differences with 95 % intervals, where programs of one problem, and those of one run, stand or fall together."""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution
T95 = {1: 12.706204736, 2: 4.302652730, 3: 3.182446305}  # of Student's t, by degrees of freedom


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval; both ends are fractions in [0, 1], of a difference in [-1, 1]."""

    low: float
    high: float


def wilson_interval(p: float, n: float, z: float = Z95) -> Interval:
    """The score interval of a share `p` of `n` draws (Wilson 1927, J. Am. Stat. Assoc. 22:209); `n` need not be whole.

    (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n). It stays in [0, 1] and has a width at p = 0 and p = 1.
    Raises ValueError unless 0 <= p <= 1 and n > 0.
    """
    if not 0 <= p <= 1 or not n > 0:
        raise ValueError(f"a Wilson interval needs 0 <= p <= 1 and n > 0, given p={p} and n={n}")
    centre = p + z * z / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # The ends at p = 0 and p = 1 are 0 and 1 exactly, whatever the rounding.
    return Interval(max(0.0, (centre - half) / scale) if p > 0 else 0.0, min(1.0, (centre + half) / scale) if p < 1 else 1.0)


def student_t95(freedom: int) -> float:
    """97.5 % quantile of Student's t: from tables up to 3 degrees of freedom, then by expansion in 1/freedom.

    The expansion (Abramowitz & Stegun 1964, 26.7.5) is too small by less than 0.1 %. Raises ValueError below 1.
    """
    if freedom < 1:
        raise ValueError(f"Student's t needs 1 degree of freedom or more, given {freedom}")
    if freedom in T95:
        return T95[freedom]
    z, v = Z95, float(freedom)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    g4 = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160
    return z + g1 / v + g2 / v**2 + g3 / v**3 + g4 / v**4


def effective_n(sums: NDArray[np.float64], sizes: NDArray[np.int64], programs: int | None = None) -> float:
    """How many independent draws the clustered values are worth.

    `sums` [problems] are the sums of each problem's values in [0, 1], `sizes` [problems] how many values each has.
    With p = Σ sums / Σ sizes and G problems, the mean's squared standard error between problems is
        SE² = G/(G-1) · Σ_g (sums_g - p · sizes_g)² / (Σ sizes)²,
    and n_eff = p(1-p) / SE² · (z / t_{G-1})²: the sample size over the design effect, cut for an SE that was itself estimated
    from few problems (Korn & Graubard 1998, Survey Methodology 24:193).

    It is held between (Σ sizes)² / Σ sizes², which is G where all problems have as many values (their programs then all share
    one fate: the worst case), and `programs` (Σ sizes where not given; each program a draw of its own: the best).
    SE is too small where a few problems hold most of the values; a run draws as many programs for each problem.
    At p = 0, p = 1 or G = 1 the SE says nothing, and n_eff is the worst case. An SE of 0 at another p gives the best.
    """
    problems, values = len(sizes), int(sizes.sum())
    fewest = values**2 / float((sizes.astype(np.float64) ** 2).sum())
    most = float(values if programs is None else programs)
    p = float(sums.sum()) / values
    variance = p * (1 - p)
    if problems == 1 or variance <= 0:
        return fewest
    se_squared = problems / (problems - 1) * float(((sums - p * sizes) ** 2).sum()) / values**2
    draws = variance * (Z95 / student_t95(problems - 1)) ** 2
    return most if draws >= most * se_squared else max(fewest, draws / se_squared)


def clustered_mean(sums: NDArray[np.float64], sizes: NDArray[np.int64], programs: int | None = None) -> tuple[float, Interval]:
    """The mean over all values and its 95 % interval: Wilson's, at the effective n (arguments as in `effective_n`).

    Raises ValueError where there is no value, or one is no number.
    """
    if len(sizes) == 0 or len(sizes) != len(sums) or int(sizes.min()) < 1:
        raise ValueError(f"a mean needs a sum and a size >= 1 a problem, given {len(sums)} sums and {len(sizes)} sizes")
    p = float(np.clip(sums.sum() / sizes.sum(), 0, 1))  # a sum of fractions may end a hair beyond
    return p, wilson_interval(p, effective_n(sums, sizes, programs))


def mean_over_runs(sums: NDArray[np.float64], sizes: NDArray[np.int64], programs: int | None = None) -> tuple[float, Interval]:
    """The mean of several runs' means, and a 95 % interval that holds the luck of the runs and that of the problems.

    `sums` and `sizes` [runs, problems] are as in `effective_n`, of the same problems in each run; a size of 0 is a problem that
    the run did not test. One run: `clustered_mean`.

    Runs (their seeds) and problems are both samples, crossed with each other, and the mean over both is off by the sum of two
    errors. The runs': Student's t on the R runs' means, half a width h = t_{R-1} · s / √R. The problems': Wilson's interval
    [l, u] at the effective n of each problem's programs of all runs. Two independent errors' intervals are added as the
    squares of their half widths, on either side (Howe 1974, J. Am. Stat. Assoc. 69:789; Zou & Donner 2008, Stat. Med. 27:1693):
        mean - √((mean - l)² + h²)   to   mean + √((u - mean)² + h²),
    held in [0, 1]. So it is never narrower than either alone. It is rather too wide: what run and problem do only together,
    and the draw of each program, is in both terms; taking it out of one (as the analysis of variance of a crossed design does)
    can leave less than nothing at two or three runs.
    Raises ValueError where a run has no value.
    """
    means = _means(sums, sizes)
    total, size = _over_runs(sums, sizes)
    if len(means) == 1:
        return clustered_mean(total, size, programs)
    mean = float(means.mean())
    alone = wilson_interval(mean, effective_n(total, size, programs))
    half = _half_over_runs(means)
    low, high = mean - hypot(mean - alone.low, half), mean + hypot(alone.high - mean, half)
    return mean, Interval(max(0.0, low), min(1.0, high))


def difference_over_runs(
    sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    sizes: tuple[NDArray[np.int64], NDArray[np.int64]],
    programs: tuple[int, int] | None = None,
) -> tuple[float, Interval]:
    """How much higher the first model's mean is than the second's, paired by run and by problem, and its 95 % interval.

    Each of `sums` and `sizes` is [pairs of runs, problems] as in `mean_over_runs`; row and column stand for the same pair and
    the same problem in both. The two errors of `mean_over_runs`, each of the difference: Student's t on the pairs' differences
    (none at one pair), and for the problems the interval of a paired difference from the two models' own intervals [l, u]
    (Newcombe 1998, Stat. Med. 17:2635, method 10), with φ the correlation of the models over the problems:
        low = d - √((p₁-l₁)² - 2φ(p₁-l₁)(u₂-p₂) + (u₂-p₂)²),   high alike with the other ends.
    Raises ValueError where a run has no value.
    """
    parts, off = [], []
    for of_one, size_of_one, drawn in zip(sums, sizes, programs or (None, None), strict=True):
        mean, (total, size) = float(_means(of_one, size_of_one).mean()), _over_runs(of_one, size_of_one)
        alone = wilson_interval(mean, effective_n(total, size, drawn))
        parts.append((mean - alone.low, alone.high - mean))
        off.append(of_one.sum(axis=0) - size_of_one.sum(axis=0) * (total.sum() / size.sum()))
    differences = _means(sums[0], sizes[0]) - _means(sums[1], sizes[1])
    (down, up), (other_down, other_up) = parts
    alike = _correlation(off[0], off[1])
    half = _half_over_runs(differences) if len(differences) > 1 else 0.0
    below, above = (sqrt(max(0.0, a * a - 2 * alike * a * b + b * b)) for a, b in ((down, other_up), (up, other_down)))
    d = float(differences.mean())
    return d, Interval(max(-1.0, d - hypot(below, half)), min(1.0, d + hypot(above, half)))


def _means(sums: NDArray[np.float64], sizes: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean of each run [runs]."""
    return np.array([clustered_mean(of[size > 0], size[size > 0])[0] for of, size in zip(sums, sizes, strict=True)])


def _over_runs(sums: NDArray[np.float64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sums and sizes [problems that some run has tested] over the runs."""
    there = sizes.sum(axis=0) > 0
    return sums.sum(axis=0)[there], sizes.sum(axis=0)[there]


def _half_over_runs(values: NDArray[np.float64]) -> float:
    """Half the width of Student's 95 % interval of the mean of `values` [runs], two or more."""
    return student_t95(len(values) - 1) * float(values.std(ddof=1)) / sqrt(len(values))


def _correlation(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Of deviations from the mean [problems]; 0 where one of them does not vary."""
    spread = sqrt(float((x * x).sum()) * float((y * y).sum()))
    return min(1.0, max(-1.0, float((x * y).sum()) / spread)) if spread > 0 else 0.0
