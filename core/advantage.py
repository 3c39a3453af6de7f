"""Rewards, advantages and returns of sampled programs: pure functions on float32 tensors [B, C] of completion columns.

`mask` [B, C] is 0 on padding. What the other tensors hold there, NaN included, never matters; results are 0 there.
An episode is a row: it ends at the row's last real token, and nothing is worth anything after it. No gradient flows.
"""

from __future__ import annotations

import torch
from torch import Tensor

VARIANCE_FLOOR = 1e-8  # added to a variance before its root: equal advantages whiten to 0
STD_FLOOR = 1e-6  # added to a group's standard deviation: equal rewards have the advantage 0


def kept(x: Tensor, mask: Tensor) -> Tensor:
    """x, and 0 where the mask is 0. Chosen, not multiplied: 0 · NaN is NaN, in the gradient too.

    ValueError: shapes that differ, as [B, C, 1] of a value head would; broadcasting would hide it.
    """
    if x.shape != mask.shape:
        raise ValueError(f"shape {tuple(x.shape)} is not that of the mask, {tuple(mask.shape)}")
    return torch.where(mask != 0, x, 0.0)


@torch.no_grad()
def token_rewards(
    reward: Tensor,
    logprobs: Tensor,
    reference_logprobs: Tensor,
    mask: Tensor,
    beta: float,
    penalised: Tensor | None = None,
) -> Tensor:
    """r_t [B, C] = −β·(log π − log π_ref), plus the program's `reward` [B] at the last real token (StepCoder: token-level KL).

    `logprobs` are those of the policy that sampled the tokens. A dropped rollout (NaN reward) needs a row of mask 0.
    `penalised`: 1 on the tokens where β counts, part of `mask`; None: all of them.
    """
    if reward.shape != mask.shape[:1]:
        raise ValueError(f"reward of shape {tuple(reward.shape)} is not one for each of the mask's {mask.shape[0]} rows")
    real = mask != 0
    last = real & (real.cumsum(1) == real.sum(1, keepdim=True))
    where = mask if penalised is None else penalised
    penalty = beta * (kept(logprobs, where) - kept(reference_logprobs, where))
    return torch.where(last, reward[:, None], 0.0) - penalty


@torch.no_grad()
def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float, lam: float) -> tuple[Tensor, Tensor]:
    """(advantages, returns), both [B, C], by generalised advantage estimation (arXiv 1506.02438, Eq. 11 and 16).

    δ_t = r_t + γ·V_{t+1} − V_t;  A_t = δ_t + γλ·A_{t+1};  R_t = A_t + V_t. Columns of mask 0 inside a row are passed over.
    """
    rewards, values, real = kept(rewards, mask), kept(values, mask), mask != 0
    advantages = torch.zeros_like(values)
    next_value = next_advantage = torch.zeros_like(values[:, 0])
    for t in reversed(range(mask.shape[1])):
        delta = rewards[:, t] + gamma * next_value - values[:, t]
        next_advantage = torch.where(real[:, t], delta + gamma * lam * next_advantage, next_advantage)
        next_value = torch.where(real[:, t], values[:, t], next_value)
        advantages[:, t] = next_advantage
    return kept(advantages, mask), kept(advantages + values, mask)


@torch.no_grad()
def moments(x: Tensor, mask: Tensor) -> Tensor:
    """[3], float64: how many values the mask keeps, their sum, the sum of their squares.

    Moments add up: over micro-batches, and by all-reduce over ranks. `mean_and_variance` is for the whole sum.
    """
    values = kept(x, mask).double()
    return torch.stack([(mask != 0).sum().double(), values.sum(), values.square().sum()])


def mean_and_variance(totals: Tensor) -> tuple[Tensor, Tensor]:
    """Scalars, of the `moments` of all ranks; the variance is over count − 1.

    Where the count is too small, they are 0: the mean of no value, the variance of fewer than two.
    """
    count, total, squares = totals.unbind()
    mean = total / count.clamp(min=1)
    return mean, ((squares - total * mean) / (count - 1).clamp(min=1)).clamp(min=0)


@torch.no_grad()
def whitened(x: Tensor, mask: Tensor, totals: Tensor) -> Tensor:
    """x [B, C] with mean 0 and variance 1 over all tokens; `totals` [3] are the `moments` of all ranks' x, summed.

    A rank then gets what it would get if one rank held every row, however uneven the ranks' masks are.
    """
    mean, variance = mean_and_variance(totals)
    return kept(((x.double() - mean) * (variance + VARIANCE_FLOOR).rsqrt()).to(x.dtype), mask)


def group_relative(rewards: Tensor, n: int, scale_by_std: bool) -> Tensor:
    """GRPO's advantages [G·n] of n programs a task, task by task: r − mean of its group, over the group's deviation.

    (arXiv 2402.03300, Sec. 4.1.2. Without `scale_by_std`: Dr. GRPO, arXiv 2503.20783.) The deviation is over count − 1.
    A NaN reward (dropped rollout) is left out of its group's numbers and has the advantage 0.
    ValueError: n below 2, or rewards that are not whole groups.
    """
    deviations, counts = _deviations(rewards, n)
    if scale_by_std:
        deviations = deviations / ((deviations.square().sum(1, keepdim=True) / (counts - 1).clamp(min=1)).sqrt() + STD_FLOOR)
    return deviations.view_as(rewards).to(rewards.dtype)


def leave_one_out(rewards: Tensor, n: int) -> Tensor:
    """RLOO's advantages [G·n] (arXiv 2402.14740): r − mean of the group's others, which is k/(k−1)·(r − mean of all k).

    NaN rewards and ValueError as in `group_relative`; one that is left alone in its group has no baseline, and the advantage 0.
    """
    deviations, counts = _deviations(rewards, n)
    return (deviations * counts / (counts - 1).clamp(min=1)).view_as(rewards).to(rewards.dtype)


def _deviations(rewards: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """(r − mean of its group [G, n], 0 where r is NaN; rewards present [G, 1]). In float64 equal rewards give exactly 0."""
    if n < 2 or rewards.numel() % n:
        raise ValueError(f"{rewards.numel()} rewards are not whole groups of n {n}; n is 2 or more")
    groups = rewards.double().view(-1, n)
    present = ~groups.isnan()
    counts = present.sum(1, keepdim=True)
    mean = groups.nansum(1, keepdim=True) / counts.clamp(min=1)
    return torch.where(present, groups - mean, 0.0), counts
