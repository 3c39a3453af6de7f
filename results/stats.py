"""Means with 95 % intervals, where programs of one problem stand or fall together."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % confidence interval; both ends are fractions in [0, 1]."""

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
    """97.5 % quantile of Student's t, by expansion in 1/freedom (Abramowitz & Stegun 1964, 26.7.5).

    Too small by 11 % at 1 degree of freedom, by 0.7 % at 2, by less than 0.1 % from 4 on.
    """
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

    Raises ValueError where there is no value.
    """
    if len(sizes) == 0 or len(sizes) != len(sums) or int(sizes.min()) < 1:
        raise ValueError(f"a mean needs a sum and a size >= 1 a problem, given {len(sums)} sums and {len(sizes)} sizes")
    p = min(1.0, max(0.0, float(sums.sum()) / int(sizes.sum())))  # a sum of fractions may end a hair beyond
    return p, wilson_interval(p, effective_n(sums, sizes, programs))
