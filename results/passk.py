"""The unbiased pass@k of one problem."""

from __future__ import annotations

from functools import lru_cache
from math import comb


@lru_cache(maxsize=65536)
def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that k of the n programs, drawn without replacement, hold one of the c that pass: 1 - C(n-c, k) / C(n, k).

    Unbiased for 1 - (1 - p)^k when n >= k (Chen et al. 2021, Eq. 1). The counts stay whole numbers until the one division,
    so the result is the double nearest the true value, however small or large n, c and k are.

    Raises ValueError unless 0 <= c <= n and 1 <= k <= n.
    """
    if not 0 <= c <= n:
        raise ValueError(f"pass@k needs 0 <= c <= n, given n={n} programs of which c={c} pass")
    if not 1 <= k <= n:
        raise ValueError(f"pass@k needs 1 <= k <= n, given k={k} and n={n} programs")
    draws = comb(n, k)
    return (draws - comb(n - c, k)) / draws
