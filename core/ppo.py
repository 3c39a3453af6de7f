"""The losses of PPO (arXiv 1707.06347) with FGO's token weights (StepCoder, arXiv 2402.01391), and what to watch beside them.

Pure functions on float32 tensors [B, C] of completion columns. What tensors hold where `mask` or `weights` is 0, NaN
included, changes neither value nor gradient. Gradient flows into the first argument alone.

A loss is a sum over tokens: normalise it by the tokens of all ranks. Ranks hold unequal numbers of tokens, and a mean on each
would weigh a token by the rank it fell on. Where the engine averages gradients over ranks: sum · ranks / tokens of all ranks.
What is only watched comes as `moments` [3] (count, sum, sum of squares; float64), which add up over micro-batches and ranks;
`mean_and_variance` of the whole sum reads them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from core.advantage import kept, moments

KL_KINDS = ("k1", "k2", "k3")
LOG_RATIO_LIMIT = 20.0  # nats; keeps exp finite, because the 0 · inf of a clipped ratio's gradient is NaN. None flows beyond


def ratios(logprobs: Tensor, old_logprobs: Tensor, weights: Tensor) -> Tensor:
    """ρ = π / π_old of each token [B, C]; 1 where the weight is 0."""
    log_ratio = kept(logprobs, weights) - kept(old_logprobs, weights).detach()
    return log_ratio.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT).exp()


def policy_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, weights: Tensor, clip: float) -> Tensor:
    """−Σ w·min(ρ·A, clip(ρ, 1−ε, 1+ε)·A) (PPO, Eq. 7), a sum; ε = `clip`.

    `weights` are the completion mask times FGO's mask. The mean over tokens divides by all ranks' completion tokens; for a mean
    over programs of means over tokens, let each weight be divided by its row's tokens, and divide by all ranks' programs.
    """
    ratio, advantages = ratios(logprobs, old_logprobs, weights), kept(advantages, weights).detach()
    objective = torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
    return -(weights * objective).sum()


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, clip: float | None) -> Tensor:
    """Σ ½·max((V − R)², (V_clipped − R)²), a sum; V_clipped is V within ±`clip` of the values at sampling (None: no clip)."""
    values, returns = kept(values, mask), kept(returns, mask).detach()
    errors = (values - returns).square()
    if clip is not None:
        old_values = kept(old_values, mask).detach()
        within = old_values + (values - old_values).clamp(-clip, clip)
        errors = torch.maximum(errors, (within - returns).square())
    return 0.5 * errors.sum()


def token_kl(logprobs: Tensor, reference_logprobs: Tensor, mask: Tensor, kind: str) -> Tensor:
    """An estimate of KL(π ‖ π_ref) a token [B, C], nats, from tokens drawn from π.

    (J. Schulman, "Approximating KL divergence", 2020.)
    With x = log π − log π_ref: k1 = x; k2 = x²/2; k3 = e^−x − 1 + x. k1 and k3 are unbiased, k2 and k3 never negative.
    ValueError: another kind.
    """
    x = kept(logprobs, mask) - kept(reference_logprobs, mask).detach()
    if kind == "k1":
        return x
    if kind == "k2":
        return 0.5 * x.square()
    if kind == "k3":
        x = x.clamp(-LOG_RATIO_LIMIT, LOG_RATIO_LIMIT)
        return torch.expm1(-x) + x  # e^−x − 1 itself would lose a small x in rounding
    raise ValueError(f"KL kind {kind!r} is not one of {', '.join(KL_KINDS)}")


def kl_penalty_loss(logprobs: Tensor, reference_logprobs: Tensor, mask: Tensor) -> Tensor:
    """Σ k3, a sum: GRPO's penalty in the loss (arXiv 2402.03300, Eq. 4), to be multiplied by β, instead of one in the rewards."""
    return token_kl(logprobs, reference_logprobs, mask, "k3").sum()


def entropies(logits: Tensor) -> Tensor:
    """H(π(· | tokens before)) [...], nats, of `logits` [..., V], −inf where a token has no chance."""
    logprobs = logits.log_softmax(-1)
    probabilities = logprobs.exp()
    return -(probabilities * torch.where(probabilities > 0, logprobs, 0.0)).sum(-1)


def approximate_kl(logprobs: Tensor, reference_logprobs: Tensor, mask: Tensor, kind: str) -> Tensor:
    """The moments [3] of `token_kl`."""
    return moments(token_kl(logprobs, reference_logprobs, mask, kind), mask)


def ratio_moments(logprobs: Tensor, old_logprobs: Tensor, weights: Tensor) -> Tensor:
    """The moments [3] of ρ over the tokens of weight other than 0: mean 1 and variance 0 until the policy moves."""
    return moments(ratios(logprobs, old_logprobs, weights), weights)


def clip_fraction(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, weights: Tensor, clip: float) -> Tensor:
    """The moments [3] of 1 where the clip stops the gradient, else 0: ρ > 1+ε with A > 0, or ρ < 1−ε with A < 0.

    Over the tokens of weight other than 0; a ratio beyond the clip on the side that `policy_loss` leaves open does not count.
    """
    ratio, advantages = ratios(logprobs, old_logprobs, weights), kept(advantages, weights)
    clipped = ((ratio > 1 + clip) & (advantages > 0)) | ((ratio < 1 - clip) & (advantages < 0))
    return moments(clipped.to(ratio.dtype), weights)
