"""Supervised fine-tuning: token cross entropy on the program, prompt masked.

Everything here is a pure function of (examples, options, step), so that a resumed run sees the batches it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.options import SFTOptions


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of a prompt and of what should follow. Made by btp, read by `micro_batches`."""

    prompt: tuple[int, ...]
    completion: tuple[int, ...]
    weight: float = 1.0  # importance weight


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows laid out as [left-padded prompt | right-padded completion]: the completions share their C columns.

    `input_ids`, `attention_mask`, `position_ids` [B, T]; `weights` [B, C], 0 on padding.
    """

    input_ids: Tensor
    attention_mask: Tensor
    position_ids: Tensor
    weights: Tensor


def check(options: SFTOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    for name in ("epochs", "batch_size", "micro_batch_size", "max_length", "checkpoint_every_steps"):
        if getattr(options, name) < 1:
            raise ValueError(f"sft {name} {getattr(options, name)} is less than 1")
    if options.zero_stage not in (0, 1, 2, 3):
        raise ValueError(f"sft zero_stage {options.zero_stage} is not one of 0, 1, 2, 3")
    if not 0 <= options.warmup_fraction <= 1:
        raise ValueError(f"sft warmup_fraction {options.warmup_fraction} is not between 0 and 1")
    for name in ("learning_rate", "weight_decay", "gradient_clipping"):
        if getattr(options, name) < 0:
            raise ValueError(f"sft {name} {getattr(options, name)} is less than 0")


def steps_of(count: int, options: SFTOptions) -> int:
    """Optimiser steps over `count` examples; an epoch's last batch may be smaller."""
    return options.epochs * math.ceil(count / options.batch_size)


def batch_of(count: int, step: int, options: SFTOptions) -> list[int]:
    """Indices of the examples of `step` (from 0): each epoch is a permutation of its own, from (seed, epoch)."""
    epoch, place = divmod(step, math.ceil(count / options.batch_size))
    order = np.random.default_rng([options.seed, epoch]).permutation(count)
    return [int(i) for i in order[place * options.batch_size : (place + 1) * options.batch_size]]


def accumulation_of(options: SFTOptions, world: int) -> int:
    """Micro-batches a rank takes to make one step."""
    return math.ceil(options.batch_size / world / options.micro_batch_size)


def micro_batches(examples: Sequence[Example], rank: int, world: int, options: SFTOptions) -> list[list[Example]]:
    """This rank's share of a step's examples: always `accumulation_of` micro-batches, each of similar lengths.

    Dealt out by length, so that ranks have equal work; a rank with too few gets examples of one token and no weight.
    """
    by_length = sorted(examples, key=lambda example: len(example.prompt) + len(example.completion), reverse=True)
    mine = by_length[rank::world]
    size = options.micro_batch_size
    nothing = Example(prompt=(0,), completion=(0,), weight=0.0)
    return [mine[i * size : (i + 1) * size] or [nothing] for i in range(accumulation_of(options, world))]


def collate(examples: Sequence[Example], pad: int, device: torch.device) -> Batch:
    """The batch [B, T] of some examples."""
    width = max(len(example.prompt) for example in examples)
    completion = max(len(example.completion) for example in examples)
    ids, mask, weights = [], [], []
    for example in examples:
        left, right = width - len(example.prompt), completion - len(example.completion)
        ids.append([pad] * left + [*example.prompt, *example.completion] + [pad] * right)
        mask.append([0] * left + [1] * (len(ids[-1]) - left - right) + [0] * right)
        weights.append([example.weight] * len(example.completion) + [0.0] * right)
    attention = torch.tensor(mask, device=device)
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    return Batch(torch.tensor(ids, device=device), attention, positions, torch.tensor(weights, device=device))


def token_logprobs(model: Any, batch: Batch) -> Tensor:
    """log p [B, C] of every completion token given what stands before it; logits are made for these columns alone."""
    columns = batch.weights.shape[1]
    out = model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        position_ids=batch.position_ids,
        use_cache=False,
        logits_to_keep=columns + 1,
    )
    logits = out.logits[:, -columns - 1 : -1].float()
    targets = batch.input_ids[:, -columns:]
    return -torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, reduction="none")


def learning_rate(step: int, steps: int, options: SFTOptions) -> float:
    """Linear warm-up over `warmup_fraction` of the steps, then linear decay to 0 after the last one; `step` from 0."""
    warmup = math.ceil(options.warmup_fraction * steps)
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    return options.learning_rate * (steps - step) / (steps - warmup)
