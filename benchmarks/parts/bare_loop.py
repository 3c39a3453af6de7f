"""One PPO step in plain PyTorch with nothing but the arithmetic: the floor that a training system is held against.

Written with care: the log-probabilities of sampling are kept, no attention mask where none is needed, logits at completion tokens
alone, the rows of a minibatch sorted by length into micro-batches. One process, no checkpoint, no judge, prompts of one length.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.parts.bare_decode import Rollouts
from benchmarks.parts.steered import PAD, Shape, load
from core.options import PPOOptions


class Bare:
    """The networks of one variant, and how they learn.

    separate: the critic is a network of its own; shared: a value head on the policy's; bf16: that, in bfloat16 with masters in
    float32; group: GRPO, which has none.
    """

    def __init__(self, shape: Shape, folder: Path, options: PPOOptions, variant: str) -> None:
        self.shape, self.options, self.variant = shape, options, variant
        self.policy, self.reference = load(folder)[0], load(folder)[0].requires_grad_(False)
        trained: list[tuple[list[nn.Module], float]] = [([self.policy], options.learning_rate)]
        self.trunk = self.policy.transformer
        if variant != "group":
            self.head = nn.Linear(shape.width, 1)
            nn.init.zeros_(self.head.weight)
            nn.init.zeros_(self.head.bias)
            trained[0][0].append(self.head)
        if variant == "separate":
            trained[0][0].remove(self.head)
            self.trunk = load(folder)[0].transformer
            trained.append(([self.trunk, self.head], options.critic_learning_rate))
        if variant == "bf16":
            for module in (self.policy, self.reference, self.head):
                module.bfloat16()
        self.learners = [Learner([p for m in modules for p in m.parameters()], rate, options) for modules, rate in trained]

    def score(self, seen: Rollouts) -> tuple[Tensor, Tensor]:
        """(log-probabilities of the reference, values), both [rows, longest completion], 0 on padding."""
        shape = len(seen.completions), max(map(len, seen.completions))
        reference, values = torch.zeros(shape), torch.zeros(shape)
        with torch.no_grad():
            for rows in by_length(seen, range(shape[0]), 2 * self.shape.micro):
                batch = Batch.of(seen, rows)
                logits = self.reference.lm_head(batch.states(self.reference.transformer))
                reference[batch.rows, batch.columns] = batch.logprobs(logits)
                if self.variant != "group":
                    values[batch.rows, batch.columns] = self.head(batch.states(self.trunk))[:, 0].float()
        return reference, values

    def train(self, seen: Rollouts, rewards: Sequence[float], scored: tuple[Tensor, Tensor], step: int) -> dict[str, float]:
        """All epochs on a step's rollouts; the mean losses a token."""
        options, (reference, values) = self.options, scored
        old, mask = torch.zeros_like(reference), torch.zeros_like(reference)
        for row, logprobs in enumerate(seen.logprobs):
            old[row, : len(logprobs)], mask[row, : len(logprobs)] = torch.tensor(logprobs), 1.0
        if self.variant == "group":
            advantages, returns = group_advantages(torch.tensor(rewards), self.shape.group)[:, None] * mask, values
        else:
            advantages, returns = gae(torch.tensor(rewards), options.kl_weight * (old - reference), values, mask, options)
        told = {"policy_loss": 0.0, "value_loss": 0.0}
        for epoch in range(options.epochs):
            order = np.random.default_rng([self.shape.seed, step, epoch, 0]).permutation(len(rewards))
            for rows in np.array_split(order, options.minibatches):
                tokens = sum(len(seen.completions[i]) for i in rows)
                for part in by_length(seen, rows.tolist(), self.shape.micro):
                    batch = Batch.of(seen, part)
                    loss = self.losses(batch, [batch.cut(x) for x in (old, reference, values, advantages, returns)], told)
                    torch.autograd.backward(loss / tokens)
                for learner in self.learners:
                    learner.step()
        return {name: float(value) / float(mask.sum()) / options.epochs for name, value in told.items()}

    def losses(self, batch: Batch, known: Sequence[Tensor], told: dict[str, Any]) -> Tensor:
        """The sum over a micro-batch's tokens. known, each [N]: old and reference log p, values, advantages, returns."""
        old, reference, values, advantages, returns = known
        options = self.options
        states = batch.states(self.policy.transformer)
        logprobs = batch.logprobs(self.policy.lm_head(states))
        ratio = (logprobs - old).exp()
        clipped = ratio.clamp(1 - options.ratio_clip, 1 + options.ratio_clip)
        loss = -torch.minimum(ratio * advantages, clipped * advantages).sum()
        told["policy_loss"] += loss.detach()
        if self.variant == "group":
            x = logprobs - reference
            return loss + options.kl_weight * (torch.expm1(-x) + x).sum()
        now = self.head(states if self.trunk is self.policy.transformer else batch.states(self.trunk))[:, 0].float()
        within = values + (now - values).clamp(-options.value_clip, options.value_clip)
        value_loss = 0.5 * torch.maximum((now - returns).square(), (within - returns).square()).sum()
        told["value_loss"] += value_loss.detach()
        return loss + (value_loss if self.variant == "separate" else options.value_weight * value_loss)


class Learner:
    """AdamW with clipping; bfloat16 weights have masters in float32."""

    def __init__(self, parameters: list[nn.Parameter], rate: float, options: PPOOptions) -> None:
        self.parameters, self.clip = parameters, options.gradient_clipping
        self.masters = [p if p.dtype == torch.float32 else nn.Parameter(p.detach().float()) for p in parameters]
        self.optimizer = torch.optim.AdamW(self.masters, lr=rate, weight_decay=options.weight_decay, fused=True)

    def step(self) -> None:
        pairs = [(p, m) for p, m in zip(self.parameters, self.masters, strict=True) if p is not m]
        for parameter, master in pairs:
            master.grad = None if parameter.grad is None else parameter.grad.float()
            parameter.grad = None
        nn.utils.clip_grad_norm_(self.masters, self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        with torch.no_grad():
            for parameter, master in pairs:
                parameter.copy_(master)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rollouts [prompt | completion | padding]; of their N completion tokens: row, column, and where each is predicted."""

    ids: Tensor
    rows: Tensor  # among all rollouts
    columns: Tensor
    places: Tensor

    @classmethod
    def of(cls, seen: Rollouts, chosen: Sequence[int]) -> Batch:
        ends = [len(seen.completions[i]) for i in chosen]
        prompt = len(seen.prompts[0])
        ids = np.full((len(chosen), prompt + max(ends)), PAD)
        for row, i in enumerate(chosen):
            ids[row, : prompt + ends[row]] = seen.prompts[i] + seen.completions[i]
        columns = np.concatenate([np.arange(n) for n in ends])
        places = np.repeat(np.arange(len(chosen)) * ids.shape[1] + prompt - 1, ends) + columns
        return cls(*map(torch.from_numpy, (ids, np.repeat(chosen, ends), columns, places)))

    def states(self, trunk: Any) -> Tensor:
        states: Tensor = trunk(input_ids=self.ids, use_cache=False).last_hidden_state
        return states.flatten(0, 1)[self.places]

    def logprobs(self, logits: Tensor) -> Tensor:
        return -cross_entropy(logits.float(), self.ids.flatten()[self.places + 1], reduction="none")

    def cut(self, x: Tensor) -> Tensor:
        return x[self.rows, self.columns]


def by_length(seen: Rollouts, rows: Sequence[int], size: int) -> Iterator[list[int]]:
    ordered = sorted(rows, key=lambda i: len(seen.completions[i]))
    return (ordered[i : i + size] for i in range(0, len(ordered), size))


def gae(rewards: Tensor, penalty: Tensor, values: Tensor, mask: Tensor, options: PPOOptions) -> tuple[Tensor, Tensor]:
    """(whitened advantages, returns) of rewards at the last tokens, less a penalty at each."""
    given = -penalty * mask
    given[torch.arange(len(rewards)), mask.sum(1).long() - 1] += rewards
    advantages, following, value = torch.zeros_like(values), torch.zeros_like(rewards), torch.zeros_like(rewards)
    for t in reversed(range(mask.shape[1])):
        following = (given[:, t] + options.gamma * value - values[:, t] + options.gamma * options.lam * following) * mask[:, t]
        value = values[:, t]
        advantages[:, t] = following
    kept = advantages[mask != 0].double()
    whitened = (advantages - kept.mean()) * (kept.var() + 1e-8).rsqrt()
    return whitened.float() * mask, advantages + values


def group_advantages(rewards: Tensor, group: int) -> Tensor:
    """GRPO's, whitened over nothing but the group."""
    groups = rewards.double().view(-1, group)
    return ((groups - groups.mean(1, keepdim=True)) / (groups.std(1, keepdim=True) + 1e-6)).flatten().float()
