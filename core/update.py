"""One update of policy and critic from a step's experience: minibatches of micro-batches, epochs.

Losses are divided by the tokens of all ranks, never rank by rank, so that uneven masks change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core import advantage, engine, metrics, ppo, sft
from core.experience import ADVANTAGES, MASKS, Experience, Targets
from core.models import Models
from core.options import PPOOptions
from core.score import by_length

KL_PLACES = ("reward", "loss")
CRITICS = ("separate", "shared")
OLD_LOGPROBS = ("auto", "sampled", "scored")


def check(options: PPOOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    for name, value, choices in (
        ("advantage", options.advantage, tuple(ADVANTAGES)),
        ("mask", options.mask, tuple(MASKS)),
        ("kl_in", options.kl_in, KL_PLACES),
        ("critic", options.critic, CRITICS),
        ("old_logprobs", options.old_logprobs, OLD_LOGPROBS),
    ):
        if value not in choices:
            raise ValueError(f"ppo {name} {value!r} is not one of {', '.join(map(str, choices))}")
    for name in ("epochs", "minibatches", "micro_batch_size"):
        if getattr(options, name) < 1:
            raise ValueError(f"ppo {name} {getattr(options, name)} is less than 1")
    if not (0 <= options.gamma <= 1 and 0 <= options.lam <= 1 and options.ratio_clip > 0 and options.value_clip >= 0):
        raise ValueError("ppo needs gamma and lam from 0 to 1, ratio_clip above 0 and value_clip 0 or more")
    engine.check(options.zero_stage, options.offload)


def update(models: Models, seen: Experience, options: PPOOptions, n: int, step: int, seed: int) -> dict[str, float]:
    """Trains on this rank's rollouts, n a task, in the order of their tasks; what happened, over all ranks."""
    advantages, returns = ADVANTAGES[options.advantage](seen, options, n)
    if options.whiten:
        totals = engine.total(advantage.moments(advantages, seen.mask), models.device)
        advantages = advantage.whitened(advantages, seen.mask, totals)
    targets = Targets(advantages, returns)
    sums = metrics.sums_of(seen, targets.returns)
    norms: list[dict[str, float]] = []
    with training_mode(models, options.gradient_checkpointing):
        for epoch in range(options.epochs):
            order = np.random.default_rng([seed, step, epoch, models.actor.ranks.rank]).permutation(len(seen.reward))
            for rows in np.array_split(order, options.minibatches):
                norms.append(_one_step(models, seen, targets, rows.tolist(), options, step, epoch, sums))
    over_ranks = engine.total(torch.stack([value.double() for value in sums.values()]), models.device)
    told = metrics.means(dict(zip(sums, over_ranks.tolist(), strict=True)), options.epochs)
    return told | {name: float(np.mean([each[name] for each in norms])) for name in norms[0]}


def _one_step(
    models: Models,
    seen: Experience,
    targets: Targets,
    rows: list[int],
    options: PPOOptions,
    step: int,
    epoch: int,
    sums: dict[str, Tensor],
) -> dict[str, float]:
    """One optimiser step of policy and critic on some rollouts; adds to `sums`; the norms of their gradients."""
    actor, critic, scored = models.actor, models.critic, seen.scored
    tokens = float(engine.total(seen.mask[rows].sum()[None], models.device)) or 1.0
    micro = by_length(scored.examples, rows, options.micro_batch_size)
    for part in [*micro, *[[]] * (actor.training.accumulation - len(micro))]:
        examples = [scored.examples[i] for i in part] or [sft.Example((0,), (0,))]  # a rank without rows steps along
        batch = sft.collate(examples, models.pad, models.device)
        here = _Slice(part, batch.weights.shape[1])
        old, weights, real, gain = (here.of(x) for x in (scored.logprobs, seen.weights, seen.mask, targets.advantages))
        logprobs, entropies, values = actor(batch, epoch == 0)
        loss = ppo.policy_loss(logprobs, old, gain, weights, options.ratio_clip)
        sums["policy_loss"] += loss.detach()
        if options.kl_in == "loss":
            loss = loss + options.kl_weight * ppo.kl_penalty_loss(
                logprobs, here.of(scored.reference), weights if options.mask_kl else real
            )
        if critic is not None:
            values = critic(batch)
        if values is not None:
            learnt = weights if options.mask_value else real
            value_loss = ppo.value_loss(
                values, here.of(scored.values), here.of(targets.returns), learnt, options.value_clip or None
            )
            sums["value_loss"] += value_loss.detach()
            if critic is not None:
                critic.backward(value_loss / tokens)
            else:
                loss = loss + options.value_weight * value_loss
        actor.backward(loss / tokens)
        metrics.watch(sums, logprobs.detach(), entropies, old, gain, weights, real, options.ratio_clip)
    warm = min(1.0, (step + 1) / max(options.warmup_steps, 1))
    norms = {} if critic is None else {"critic_grad_norm": critic.step(warm * options.critic_learning_rate)}
    return {"grad_norm": actor.step(warm * options.learning_rate)} | norms


@dataclass(frozen=True, slots=True)
class _Slice:
    """Some rows and the first columns of a step's tensors; no rows: a row of zeros."""

    rows: list[int]
    columns: int

    def of(self, x: Tensor) -> Tensor:
        return x[self.rows, : self.columns] if self.rows else x.new_zeros(1, self.columns)


@contextmanager
def training_mode(models: Models, recompute: bool) -> Iterator[None]:
    """transformers recomputes activations only in training mode; there is no dropout, so the mode changes nothing else."""
    modules = [each.engine.module for each in models.engines.values()]
    for module in modules:
        module.train(recompute)
    yield
    for module in modules:
        module.eval()
