"""Supervised fine-tuning: token cross entropy on the program, prompt masked.

Everything here is a pure function of (examples, options, step), so that a resumed run sees the batches it would have seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

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


class Batch(NamedTuple):
    """Rows laid out as [prompt | completion | padding]: what stands right of a token never reaches it, so no mask is needed.

    `weights` [B, C] are those of the completions' tokens, 0 on padding. `rows`, `columns` [N] say where in them the N real tokens
    stand, `places` [N] where in the flattened `input_ids` [B, T] each of them is predicted: at the token before it.
    A tuple, because DeepSpeed looks for tensors in what a module is given.
    """

    input_ids: Tensor
    rows: Tensor
    columns: Tensor
    places: Tensor
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
    """The batch of some examples; T is the longest of them, C the longest completion. A prompt has at least one token."""
    lengths = [len(example.completion) for example in examples]
    width = max(len(example.prompt) + length for example, length in zip(examples, lengths, strict=True))
    ids = np.full((len(examples), width), pad, dtype=np.int64)
    weights = np.zeros((len(examples), max(lengths)), dtype=np.float32)
    for row, example in enumerate(examples):
        text = (*example.prompt, *example.completion)
        ids[row, : len(text)] = text
        weights[row, : lengths[row]] = example.weight
    rows = np.repeat(np.arange(len(examples)), lengths)
    columns = np.concatenate([np.arange(length) for length in lengths])
    before = np.array([len(example.prompt) - 1 for example in examples])
    places = rows * width + before[rows] + columns
    return Batch(*(torch.from_numpy(x).to(device) for x in (ids, rows, columns, places, weights)))


def completion_states(trunk: Any, batch: Batch) -> Tensor:
    """The last hidden states [N, H] from which the N completion tokens are predicted; `trunk` is a model without its head."""
    states: Tensor = trunk(input_ids=batch.input_ids, use_cache=False).last_hidden_state
    return states.flatten(0, 1)[batch.places]


def logprobs_of(logits: Tensor, batch: Batch) -> Tensor:
    """log p [B, C] of the completion tokens by their `logits` [N, V], float32; 0 on padding."""
    targets = batch.input_ids.flatten()[batch.places + 1]
    return spread(-torch.nn.functional.cross_entropy(logits, targets, reduction="none"), batch)


def spread(values: Tensor, batch: Batch) -> Tensor:
    """[B, C] of one value a completion token [N]; 0 on padding."""
    return values.new_zeros(batch.weights.shape).index_put((batch.rows, batch.columns), values)


def token_logprobs(model: Any, batch: Batch) -> Tensor:
    """log p [B, C] of every completion token given what stands before it; logits are made for these tokens alone.

    model: a causal language model of transformers whose logits are its output layer's (`policy.load_policy` checks that).
    """
    return logprobs_of(model.get_output_embeddings()(completion_states(model.base_model, batch)).float(), batch)


def learning_rate(step: int, steps: int, options: SFTOptions) -> float:
    """Linear warm-up over `warmup_fraction` of the steps, then linear decay to 0 after the last one; `step` from 0."""
    warmup = math.ceil(options.warmup_fraction * steps)
    if step < warmup:
        return options.learning_rate * (step + 1) / warmup
    return options.learning_rate * (steps - step) / (steps - warmup)
