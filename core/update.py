"""One update of policy and critic from a step's judged rollouts: score, advantages, minibatches.

Tensors are [N, C]: a rank's rollouts, the columns of the longest completion. Losses are divided by the tokens of all ranks, never
rank by rank, so that uneven masks change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core import advantage, engine, mask, ppo, sft
from core.experience import Judged
from core.options import PPOOptions
from core.policy import Policy

KL_PLACES = ("reward", "loss")


@dataclass(frozen=True, slots=True)
class Experience:
    """What a rank learns from in one step. `mask` is 1 on the tokens of rollouts that have a reward; the others are beside it."""

    examples: list[sft.Example]
    reward: Tensor  # [N], NaN where the rollout is dropped
    mask: Tensor
    weights: Tensor  # of the policy loss: `mask`, less the tokens that FGO leaves out
    logprobs: Tensor  # when they were sampled
    reference: Tensor
    values: Tensor  # 0 without a critic


def check(options: PPOOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    for name, value, choices in (
        ("advantage", options.advantage, tuple(ADVANTAGES)),
        ("mask", options.mask, tuple(MASKS)),
        ("kl_in", options.kl_in, KL_PLACES),
        ("zero_stage", options.zero_stage, (0, 1, 2)),
    ):
        if value not in choices:
            raise ValueError(f"ppo {name} {value!r} is not one of {', '.join(map(str, choices))}")
    for name in ("epochs", "minibatches", "micro_batch_size"):
        if getattr(options, name) < 1:
            raise ValueError(f"ppo {name} {getattr(options, name)} is less than 1")
    if not (0 <= options.gamma <= 1 and 0 <= options.lam <= 1 and options.ratio_clip > 0 and options.value_clip >= 0):
        raise ValueError("ppo needs gamma and lam from 0 to 1, ratio_clip above 0 and value_clip 0 or more")


def update(
    policy: Policy,
    reference: Any,
    engines: Mapping[str, engine.Engine],
    judged: Sequence[Judged],
    rewards: Sequence[float | None],
    options: PPOOptions,
    n: int,
    step: int,
    seed: int,
) -> dict[str, float]:
    """Trains on this rank's rollouts, n a task, in the order of their tasks; what happened, over all ranks.

    `reference` is the model that training started from. A rollout without a reward is left out.
    """
    critic = engines["critic"].engine.module if "critic" in engines else None
    seen = experience(policy, reference, critic, judged, rewards, options)
    advantages, returns = ADVANTAGES[options.advantage](seen, options, n)
    device = policy.device
    if options.whiten:
        totals = torch.tensor(engine.total(advantage.moments(advantages, seen.mask).tolist(), device), device=device)
        advantages = advantage.whitened(advantages, seen.mask, totals)
    told = {"tokens": float(seen.mask.sum()), "weighted": float((seen.weights != 0).sum()), "rollouts": float(len(judged))}
    told |= {"dropped": float(seen.reward.isnan().sum()), "reward": float(seen.reward.nansum())}
    told |= {"passed": float(sum(each.result.tests_passed == each.result.tests_total for each in judged))}
    told |= {"kl": float(ppo.token_kl(seen.logprobs, seen.reference, seen.mask, "k1").sum())}
    told |= {"policy_loss": 0.0, "value_loss": 0.0, "clipped": 0.0, "used": 0.0}
    norms = []
    for epoch in range(options.epochs):
        order = np.random.default_rng([seed, step, epoch, engines["actor"].ranks.rank]).permutation(len(judged))
        for rows in np.array_split(order, options.minibatches):
            norms.append(_one_step(engines, seen, advantages, returns, rows, options, step, policy.tokenizer.pad_token_id, told))
    sums = dict(zip(told, engine.total(list(told.values()), device), strict=True))
    return _means(sums) | {"grad_norm": float(np.mean(norms))}


def experience(
    policy: Policy,
    reference: Any,
    critic: Any,
    judged: Sequence[Judged],
    rewards: Sequence[float | None],
    options: PPOOptions,
) -> Experience:
    """The rollouts as tensors, scored by the reference and the critic."""
    examples = [sft.Example(each.prompt, each.rollout.token_ids) for each in judged]
    dropped = [value is None for value in rewards]
    kept = [[0.0 if gone else 1.0] * len(e.completion) for e, gone in zip(examples, dropped, strict=True)]
    masked = MASKS[options.mask]
    weights = [
        [k * ran for k, ran in zip(row, masked(each, policy.tokenizer), strict=True)]
        for row, each in zip(kept, judged, strict=True)
    ]
    logprobs = _padded([each.rollout.logprobs for each in judged], policy.device)
    reference_logprobs, values = torch.zeros_like(logprobs), torch.zeros_like(logprobs)
    for rows in _by_length(examples, range(len(examples)), 2 * options.micro_batch_size):
        batch = sft.collate([examples[i] for i in rows], policy.tokenizer.pad_token_id, policy.device)
        columns = batch.weights.shape[1]
        with torch.no_grad():
            reference_logprobs[rows, :columns] = sft.token_logprobs(reference, batch)
            if critic is not None:
                values[rows, :columns] = critic(batch)
    reward = torch.tensor([float("nan") if value is None else value for value in rewards], device=policy.device)
    return Experience(
        examples, reward, _padded(kept, policy.device), _padded(weights, policy.device), logprobs, reference_logprobs, values
    )


def _executed(each: Judged, tokenizer: Any) -> list[bool]:
    """FGO's m_j of the completion's tokens."""
    lines = {line for test in each.result.tests for line in test.executed_lines}
    return mask.loss_mask(each.rollout.token_ids, tokenizer, each.program, each.result.statements, lines, -len(each.shown))


def _all(each: Judged, _tokenizer: Any) -> list[bool]:
    return [True] * len(each.rollout.token_ids)


MASKS: dict[str, Callable[[Judged, Any], list[bool]]] = {"executed": _executed, "all": _all}


def _gae(seen: Experience, options: PPOOptions, _n: int) -> tuple[Tensor, Tensor]:
    beta = options.kl_weight if options.kl_in == "reward" else 0.0
    rewards = advantage.token_rewards(seen.reward, seen.logprobs, seen.reference, seen.mask, beta)
    return advantage.gae(rewards, seen.values, seen.mask, options.gamma, options.lam)


def _of_group(by_group: Callable[[Tensor, int], Tensor], seen: Experience, options: PPOOptions, n: int) -> tuple[Tensor, Tensor]:
    """One advantage for all tokens of a rollout; no returns, as there is no critic."""
    beta = options.kl_weight if options.kl_in == "reward" else 0.0
    penalty = beta * ppo.token_kl(seen.logprobs, seen.reference, seen.mask, "k1").sum(1)
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


def _one_step(
    engines: Mapping[str, engine.Engine],
    seen: Experience,
    advantages: Tensor,
    returns: Tensor,
    rows: Any,
    options: PPOOptions,
    step: int,
    pad: int,
    told: dict[str, float],
) -> float:
    """One optimiser step of policy and critic on some rollouts; adds to `told`; the norm of the policy's gradient."""
    actor, critic = engines["actor"], engines.get("critic")
    device = seen.mask.device
    (tokens,) = engine.total([float(seen.mask[rows].sum())], device)
    micro = _by_length(seen.examples, rows.tolist(), options.micro_batch_size)
    for part in [*micro, *[[]] * (actor.training.accumulation - len(micro))]:
        here = [seen.examples[i] for i in part] or [sft.Example((0,), (0,))]
        batch = sft.collate(here, pad, device)
        columns = batch.weights.shape[1]

        def cut(x: Tensor, part: list[int] = part, columns: int = columns) -> Tensor:
            return x[part, :columns] if part else x.new_zeros(1, columns)

        old, weights, real = cut(seen.logprobs), cut(seen.weights), cut(seen.mask)
        logprobs = sft.token_logprobs(actor.engine, batch)
        loss = ppo.policy_loss(logprobs, old, cut(advantages), weights, options.ratio_clip)
        told["policy_loss"] += float(loss.detach())
        count, clipped, _ = ppo.clip_fraction(logprobs.detach(), old, cut(advantages), weights, options.ratio_clip).tolist()
        told["clipped"] += clipped
        told["used"] += count
        if options.kl_in == "loss":
            loss = loss + options.kl_weight * ppo.kl_penalty_loss(logprobs, cut(seen.reference), real)
        actor.backward(loss / max(tokens, 1.0))
        if critic is not None:
            value_loss = ppo.value_loss(critic.engine(batch), cut(seen.values), cut(returns), real, options.value_clip or None)
            told["value_loss"] += float(value_loss.detach())
            critic.backward(value_loss / max(tokens, 1.0))
    warm = min(1.0, (step + 1) / max(options.warmup_steps, 1))
    if critic is not None:
        critic.step(warm * options.critic_learning_rate)
    return actor.step(warm * options.learning_rate)


def _by_length(examples: Sequence[sft.Example], rows: Sequence[int], size: int) -> list[list[int]]:
    """The rows in groups of similar length, so that little is padded."""
    ordered = sorted(rows, key=lambda i: len(examples[i].prompt) + len(examples[i].completion))
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


def _padded(rows: Sequence[Sequence[float]], device: torch.device) -> Tensor:
    """[N, C], right-padded with 0."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0.0] * (width - len(row))] for row in rows], dtype=torch.float32, device=device)


def _means(sums: dict[str, float]) -> dict[str, float]:
    """What is told of a step, from sums over all ranks."""
    tokens, judged = max(sums["tokens"], 1.0), max(sums["rollouts"] - sums["dropped"], 1.0)
    return {
        "reward": sums["reward"] / judged,
        "pass_rate": sums["passed"] / judged,
        "judge_errors": sums["dropped"] / max(sums["rollouts"], 1.0),
        "tokens": sums["tokens"],
        "masked": 1 - sums["weighted"] / tokens,
        "kl": sums["kl"] / tokens,
        "policy_loss": sums["policy_loss"] / tokens,
        "value_loss": sums["value_loss"] / tokens,
        "clipped": sums["clipped"] / max(sums["used"], 1.0),
    }
