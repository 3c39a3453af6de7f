"""What is known of a step's rollouts before their verdicts come: log-probabilities then and at the start, and values.

Tensors are [N, C]: a rank's rollouts, the columns of the longest completion; 0 on padding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core import sft
from core.attempts import Attempt
from core.models import Models
from core.options import PPOOptions


@dataclass(frozen=True, slots=True)
class Scored:
    """A rank's rollouts as a step's update needs them. Made by `score`; read by the update."""

    examples: list[sft.Example]
    tokens: Tensor  # 1 on each token of a completion
    logprobs: Tensor  # of the policy that sampled them, as the options say: of its decoding, or of a forward pass
    gap: Tensor  # between these two, absolute; 0 where only one is known
    reference: Tensor
    values: Tensor  # 0 without a critic


@torch.no_grad()
def score(models: Models, attempts: Sequence[Attempt], options: PPOOptions, again: bool, meanwhile: Callable[[], None]) -> Scored:
    """Scores the rollouts in groups of similar length; `meanwhile` is called between two groups, for the judge's sake.

    again: the policy's log-probabilities by a forward pass, instead of decoding's.
    """
    examples = [sft.Example(each.prompt, each.rollout.token_ids) for each in attempts]
    sampled = padded([each.rollout.logprobs for each in attempts], models.device)
    tokens = padded([[1.0] * len(e.completion) for e in examples], models.device)
    logprobs, reference, values = sampled.clone(), torch.zeros_like(sampled), torch.zeros_like(sampled)
    shared = options.advantage == "gae" and models.critic is None
    for rows in by_length(examples, range(len(examples)), 2 * options.micro_batch_size):
        batch = sft.collate([examples[i] for i in rows], models.pad, models.device)
        columns = batch.weights.shape[1]
        reference[rows, :columns] = models.reference(batch).logprobs
        if models.critic is not None:
            values[rows, :columns] = models.critic(batch)
        if again or shared:
            now = models.actor(batch)
            if again:
                logprobs[rows, :columns] = now.logprobs
            if shared:
                values[rows, :columns] = now.values
        meanwhile()
    return Scored(examples, tokens, logprobs, (logprobs - sampled).abs(), reference, values)


def by_length(examples: Sequence[sft.Example], rows: Sequence[int], size: int) -> list[list[int]]:
    """The rows in groups of similar length, so that little is padded."""
    ordered = sorted(rows, key=lambda i: len(examples[i].prompt) + len(examples[i].completion))
    return [ordered[i : i + size] for i in range(0, len(ordered), size)]


def padded(rows: Sequence[Sequence[float]], device: torch.device) -> Tensor:
    """[N, C], right-padded with 0."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[0.0] * (width - len(row))] for row in rows], dtype=torch.float32, device=device)
