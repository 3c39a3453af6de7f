"""A small GPT-2 whose samples end at lengths that were drawn beforehand: every trainer that samples from it has equal work.

The first token of a prompt says how many tokens its completion has. The model sees to it where it is asked for one position a
row, which is what sampling does: before that length its end token has no chance, at it no other token has. A row is known by
its first key in the cache, so that rows may leave the batch or move in it.

Needs torch and transformers alone: the trainers beside ours run it in environments of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

END, PAD, LENGTHS = 0, 1, 2  # token ids; LENGTHS + n begins the prompt of a completion of n tokens, the end included
FAR = 60.0  # nats
SIGMA = 0.6  # of the lengths' logarithm, about that of the canonical solutions of MBPP


@dataclass(frozen=True, slots=True)
class Shape:
    """What every side of the benchmark is given alike."""

    layers: int = 4
    width: int = 256
    vocabulary: int = 2048
    prompts: int = 64  # rollouts of a step
    prompt_tokens: int = 64
    mean: float = 52.0  # tokens of a completion
    longest: int = 128
    epochs: int = 1
    minibatches: int = 4  # optimiser steps an epoch
    group: int = 8  # rollouts that GRPO compares
    micro: int = 4  # rollouts at once in training, where that is free to choose
    threads: int = 1
    seed: int = 0


class Steered(GPT2LMHeadModel):  # type: ignore[misc]
    """GPT-2, and the lengths of its samples."""

    @wraps(GPT2LMHeadModel.forward)  # whose signature transformers reads
    def forward(self, input_ids: Any = None, past_key_values: Any = None, *more: Any, **named: Any) -> Any:
        begins = past_key_values is None or past_key_values.get_seq_length() == 0
        out = super().forward(input_ids, past_key_values, *more, **named)
        if out.logits.shape[1] == 1 and out.past_key_values is not None:
            keys = out.past_key_values.layers[0].keys
            if begins:
                self.known_keys, self.known_lengths = keys[:, 0, 0].clone(), input_ids[:, 0] - LENGTHS
                self.prompt_tokens = input_ids.shape[1]
            row = (keys[:, None, 0, 0] == self.known_keys).all(-1).int().argmax(1)
            ends = self.known_lengths[row] == keys.shape[2] - self.prompt_tokens + 1
            out.logits[:, 0, PAD] = -FAR
            out.logits[:, 0, END] = torch.where(ends, FAR, -FAR).to(out.logits.dtype)
        return out


def lengths(shape: Shape, step: int) -> list[int]:
    """Tokens of each completion of a step: lognormal, from 2 to the longest."""
    drawn = np.random.default_rng([shape.seed, step]).lognormal(math.log(shape.mean) - SIGMA**2 / 2, SIGMA, shape.prompts)
    return [int(n) for n in drawn.round().clip(2, shape.longest)]


def prompts(shape: Shape, step: int) -> list[list[int]]:
    """The prompts of a step, all of one length."""
    luck = np.random.default_rng([shape.seed, step, 1])
    rest = luck.integers(LENGTHS + shape.longest + 1, shape.vocabulary, (shape.prompts, shape.prompt_tokens - 1))
    return [[LENGTHS + n, *row] for n, row in zip(lengths(shape, step), rest.tolist(), strict=True)]


def reward(completion: Sequence[int]) -> float:
    """Costs nothing and learns nothing."""
    return sum(completion) % 7 / 3 - 1


def write(shape: Shape, folder: Path) -> None:
    """The model, random, and a tokenizer with a word a token, as a Hugging Face folder."""
    torch.manual_seed(shape.seed)
    config = GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=shape.prompt_tokens + shape.longest,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=max(1, shape.width // 64),
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=END,
        eos_token_id=END,
        pad_token_id=PAD,
    )
    GPT2LMHeadModel(config).save_pretrained(folder)
    words = {"<end>": END, "<pad>": PAD} | {f"w{i}": i for i in range(LENGTHS, shape.vocabulary)}
    made = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", pad_token="<pad>").save_pretrained(folder)


def load(folder: Path) -> tuple[Steered, PreTrainedTokenizerFast]:
    model = Steered.from_pretrained(folder, dtype=torch.float32)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder)


def as_arguments(shape: Shape) -> list[str]:
    """For the command line of a side."""
    return [f"{name}={value}" for name, value in asdict(shape).items()]


def from_arguments(given: Sequence[str]) -> Shape:
    kinds = Shape.__annotations__
    pairs = [pair.split("=") for pair in given]
    values: dict[str, Any] = {name: float(value) if kinds[name] == "float" else int(value) for name, value in pairs}
    return Shape(**values)
