"""Prioritized replay of tested programs (BTP, arXiv 2410.12236, Eq. 6-8): pure functions on numpy arrays [N]."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.options import ReplayOptions

Floats = NDArray[np.float64]

PRIORITIES = ("proportional", "rank")
LIKELIHOODS = ("geometric_mean", "product")
FLOOR = 1e-6  # the least priority: a program that fails every test and is improbable can still be drawn


def check(options: ReplayOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    for name, value, choices in (
        ("priority", options.priority, PRIORITIES),
        ("likelihood", options.likelihood, LIKELIHOODS),
    ):
        if value not in choices:
            raise ValueError(f"replay {name} {value!r} is not one of {', '.join(choices)}")
    if not 0 <= options.weight <= 1:
        raise ValueError(f"replay weight {options.weight} is not between 0 and 1")
    if options.exponent < 0 or options.importance_exponent < 0:
        raise ValueError("replay exponent and importance_exponent must be 0 or more")
    if options.draws < 1:
        raise ValueError(f"replay draws {options.draws} is less than 1")


def likelihoods(logprob_sums: Floats, token_counts: Floats, kind: str) -> Floats:
    """P(t) in [0, 1]: exp(mean log p) a token, or the raw product exp(sum log p), near 0 for any long program."""
    return np.exp(logprob_sums / token_counts if kind == "geometric_mean" else logprob_sums)


def p2value(likelihood: Floats, pass_rate: Floats, weight: float) -> Floats:
    """P2Value = α·P(t) + (1 − α)·pass_rate (Eq. 6), α = `weight`."""
    return weight * likelihood + (1 - weight) * pass_rate


def draw_probabilities(values: Floats, priority: str, exponent: float) -> Floats:
    """P(i) = p_i^α / Σ p^α (Eq. 7), α = `exponent`; p = P2Value, or 1/rank with the best at rank 1 (Eq. 8).

    Equal values rank in the order they stand in. A priority below FLOOR counts as FLOOR.
    """
    if priority == "rank":
        priorities = np.empty(len(values))
        priorities[np.argsort(-values, kind="stable")] = 1 / np.arange(1, len(values) + 1)
    else:
        priorities = np.maximum(values, FLOOR)
    scaled = (priorities / priorities.max()) ** exponent  # the largest is 1 whatever the exponent
    scaled = np.maximum(scaled, np.finfo(np.float64).tiny)  # a large exponent must not underflow to a probability of 0
    return np.asarray(scaled / scaled.sum())


def times_drawn(probabilities: Floats, draws: int, seed: int) -> NDArray[np.int64]:
    """How often each program comes up in `draws` draws with replacement."""
    drawn = np.random.default_rng(seed).choice(len(probabilities), size=draws, replace=True, p=probabilities)
    return np.bincount(drawn, minlength=len(probabilities)).astype(np.int64)


def importance_weights(probabilities: Floats, exponent: float) -> Floats:
    """w_i = (N·P(i))^−β, divided by the largest, so that every weight is in (0, 1]; β = `exponent`, 0 gives ones."""
    return np.asarray((probabilities / probabilities.min()) ** -exponent)
