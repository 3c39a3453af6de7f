"""What a step tells: sums on each rank, added over the ranks, then means over tokens or rollouts; and its seconds."""

from __future__ import annotations

import time
from collections.abc import Mapping

import torch
from torch import Tensor

from core import advantage, ppo
from core.experience import Experience

WATCHED = ("policy_loss", "value_loss", "used", "clipped", "moved", "entropy")  # added up by the update


def sums_of(seen: Experience, returns: Tensor) -> dict[str, Tensor]:
    """Sums over this rank's rollouts, and zeros for what the update adds."""
    errors = advantage.kept(returns - seen.scored.values, seen.mask)
    sums = {
        "rollouts": torch.tensor(float(len(seen.reward))),
        "dropped": seen.reward.isnan().sum(),
        "reward": seen.reward.nansum(),
        "passed": seen.passed.sum(),
        "tokens": seen.mask.sum(),
        "weighted": (seen.weights != 0).sum(),
        "kl": ppo.token_kl(seen.scored.logprobs, seen.scored.reference, seen.mask, "k1").sum(),
        "gap": advantage.kept(seen.scored.gap, seen.mask).sum(),
        "returns": returns.sum(),
        "returns_squared": returns.square().sum(),
        "errors": errors.sum(),
        "errors_squared": errors.square().sum(),
    }
    zero = torch.zeros((), dtype=torch.float64, device=seen.mask.device)
    return {name: value.to(zero) for name, value in sums.items()} | {name: zero.clone() for name in WATCHED}


@torch.no_grad()
def watch(
    sums: dict[str, Tensor],
    logprobs: Tensor,
    entropies: Tensor | None,
    old: Tensor,
    gain: Tensor,
    weights: Tensor,
    real: Tensor,
    ratio_clip: float,
) -> None:
    """Adds what is only watched of a micro-batch."""
    count, clipped, _ = ppo.clip_fraction(logprobs, old, gain, weights, ratio_clip)
    sums["used"] += count
    sums["clipped"] += clipped
    sums["moved"] += ppo.token_kl(old, logprobs, weights, "k3").sum()  # the tokens were drawn from the old policy
    if entropies is not None:
        sums["entropy"] += advantage.kept(entropies, real).sum()


def means(sums: dict[str, float], epochs: int) -> dict[str, float]:
    """What is told of a step, from sums over all ranks; the update went over the rollouts `epochs` times."""
    tokens, judged, used = (max(x, 1.0) for x in (sums["tokens"], sums["rollouts"] - sums["dropped"], sums["used"]))
    spread, left = (sums[f"{x}_squared"] / tokens - (sums[x] / tokens) ** 2 for x in ("returns", "errors"))
    return {
        "reward": sums["reward"] / judged,
        "pass_rate": sums["passed"] / judged,
        "judge_errors": sums["dropped"] / max(sums["rollouts"], 1.0),
        "tokens": sums["tokens"],
        "masked": 1 - sums["weighted"] / tokens,
        "kl": sums["kl"] / tokens,
        "entropy": sums["entropy"] / tokens,
        "gap": sums["gap"] / tokens,  # of log-probabilities, between sampling and scoring; large: the sampler has other weights
        "policy_loss": sums["policy_loss"] / (tokens * epochs),
        "value_loss": sums["value_loss"] / (tokens * epochs),
        "explained": 1 - left / spread if spread > 0 else 0.0,  # share of the returns' variance that the critic foresaw
        "clipped": sums["clipped"] / used,
        "moved": sums["moved"] / used,  # KL of the policy before an update from the policy in it
    }


class Clock:
    """Seconds of the parts of a step on this rank."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        """What has passed since the last lap went to `name`."""
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize()  # what a GPU was asked for is done in its own time
        now = time.monotonic()
        self.seconds[name] = now - self._since
        self._since = now


def story(row: Mapping[str, float]) -> str:
    """A step in a line, for who watches. `judge` is the time that the judge took beyond decoding and scoring."""
    speeds = [f"{name} {row['tokens'] / max(row[f'{name}_s'], 1e-9):.0f}" for name in ("decode", "score", "train")]
    return (
        f"reward {row['reward']:+.2f}, {row['pass_rate']:.1%} pass, KL {row['kl']:.3f}, stage {row['stage']:.2f}; "
        f"tokens/s: {', '.join(speeds)}; judge {row['judge_s']:.1f} s"
    )
