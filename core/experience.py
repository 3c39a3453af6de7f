"""From verdicts to what an update learns: rewards, FGO's weights, advantages. Tensors are [N, C], as in `score`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core import advantage, mask, ppo
from core.attempts import Attempt
from core.options import PPOOptions
from core.score import Scored, padded
from sandbox.verdict import ProgramResult


@dataclass(frozen=True, slots=True)
class Experience:
    """What a rank learns from in one step. `mask` is 1 on the tokens of rollouts that have a reward; the others are beside it."""

    reward: Tensor  # [N], NaN where the rollout is dropped
    passed: Tensor  # [N], 1 where all tests passed
    mask: Tensor
    weights: Tensor  # of the policy loss: `mask`, less the tokens that FGO leaves out
    scored: Scored

    def masked(self) -> Tensor:
        """[N]: the share of each rollout's tokens that FGO leaves out; 0 of a dropped one."""
        return ((self.mask - (self.weights != 0).float()).sum(1) / self.mask.sum(1).clamp(min=1)).clamp(min=0)


@dataclass(frozen=True, slots=True)
class Targets:
    """What the losses aim at, both [N, C]; the returns are 0 without a critic."""

    advantages: Tensor
    returns: Tensor


def experience(
    scored: Scored,
    attempts: Sequence[Attempt],
    results: Sequence[ProgramResult],
    rewards: Sequence[float | None],
    tokenizer: Any,
    options: PPOOptions,
) -> Experience:
    """The scored rollouts with what the judge said of them. One without a reward is left out: its tokens count nowhere."""
    device = scored.tokens.device
    reward = torch.tensor([float("nan") if value is None else value for value in rewards], device=device)
    kept = scored.tokens * ~reward.isnan()[:, None]
    ran = [MASKS[options.mask](each, result, tokenizer) for each, result in zip(attempts, results, strict=True)]
    passed = torch.tensor([float(result.tests_passed == result.tests_total) for result in results], device=device)
    return Experience(reward, passed, kept, kept * padded(ran, device), scored)


def _executed(each: Attempt, result: ProgramResult, tokenizer: Any) -> list[bool]:
    """FGO's m_j of the completion's tokens."""
    lines = {line for test in result.tests for line in test.executed_lines}
    return mask.loss_mask(each.rollout.token_ids, tokenizer, each.program, result.statements, lines, -len(each.shown))


def _all(each: Attempt, _result: ProgramResult, _tokenizer: Any) -> list[bool]:
    return [True] * len(each.rollout.token_ids)


MASKS: dict[str, Callable[[Attempt, ProgramResult, Any], list[bool]]] = {"executed": _executed, "all": _all}


def _penalty(seen: Experience, options: PPOOptions) -> tuple[Tensor, float]:
    """([N, C] 1 on the tokens that the KL penalty counts, its β); β is 0 where the penalty is not in the rewards."""
    return seen.weights if options.mask_kl else seen.mask, options.kl_weight if options.kl_in == "reward" else 0.0


def _gae(seen: Experience, options: PPOOptions, _n: int) -> tuple[Tensor, Tensor]:
    penalised, beta = _penalty(seen, options)
    rewards = advantage.token_rewards(seen.reward, seen.scored.logprobs, seen.scored.reference, seen.mask, beta, penalised)
    return advantage.gae(rewards, seen.scored.values, seen.mask, options.gamma, options.lam)


def _of_group(by_group: Callable[[Tensor, int], Tensor], seen: Experience, options: PPOOptions, n: int) -> tuple[Tensor, Tensor]:
    """One advantage for all tokens of a rollout; no returns, as there is no critic."""
    penalised, beta = _penalty(seen, options)
    penalty = beta * ppo.token_kl(seen.scored.logprobs, seen.scored.reference, penalised, "k1").sum(1)
    return by_group(seen.reward - penalty, n)[:, None] * seen.mask, torch.zeros_like(seen.mask)


def _grpo(seen: Experience, options: PPOOptions, n: int) -> tuple[Tensor, Tensor]:
    return _of_group(lambda rewards, size: advantage.group_relative(rewards, size, scale_by_std=True), seen, options, n)


def _rloo(seen: Experience, options: PPOOptions, n: int) -> tuple[Tensor, Tensor]:
    return _of_group(advantage.leave_one_out, seen, options, n)


ADVANTAGES: dict[str, Callable[[Experience, PPOOptions, int], tuple[Tensor, Tensor]]] = {
    "gae": _gae,
    "group": _grpo,
    "leave_one_out": _rloo,
}
