"""Sampling in plain PyTorch, as fast as a model of transformers allows: the floor of decoding.

Rows that have ended leave the batch, and the last ones step into their places; keys and values are written in place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import Cache, DynamicLayer

from benchmarks.parts.steered import END


class Room(DynamicLayer):  # type: ignore[misc]
    """Keys and values of a layer, in memory that is set aside once."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest, self.rows, self.length = longest, 0, 0

    def lazy_initialization(self, key_states: Tensor, value_states: Tensor) -> None:
        self.dtype, self.device, self.is_initialized = key_states.dtype, key_states.device, True
        rows, heads, _, size = key_states.shape
        self.rows = rows
        self.held = [new.new_empty(rows, heads, self.longest, size) for new in (key_states, value_states)]

    def update(self, key_states: Tensor, value_states: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        begin, self.length = self.length, self.length + key_states.shape[2]
        for held, new in zip(self.held, (key_states, value_states), strict=True):
            held[: self.rows, :, begin : self.length] = new
        self.keys, self.values = (held[: self.rows, :, : self.length] for held in self.held)
        return self.keys, self.values

    def keep(self, rows: int, into: Tensor, moved: Tensor) -> None:
        """Goes on with the first `rows`, after rows `moved` have taken the places `into`."""
        self.rows = rows
        for held in self.held:
            held[into] = held[moved]


@dataclass(frozen=True, slots=True)
class Rollouts:
    """What was sampled, and with which log-probabilities."""

    prompts: list[list[int]]
    completions: list[list[int]]
    logprobs: list[list[float]]


@torch.inference_mode()
def decode(model: Any, prompts: list[list[int]], longest: int, seed: int) -> Rollouts:
    """One sample of each prompt, at temperature 1."""
    count = len(prompts)
    completions: list[list[int]] = [[] for _ in prompts]
    logprobs: list[list[float]] = [[] for _ in prompts]
    luck = torch.rand(longest, count, generator=torch.Generator().manual_seed(seed))
    rooms = [Room(len(prompts[0]) + longest) for _ in range(model.config.num_hidden_layers)]
    cache, tokens, alive = Cache(layers=rooms), torch.tensor(prompts), list(range(count))
    for dice in luck:
        out = model(input_ids=tokens, past_key_values=cache, use_cache=True, logits_to_keep=1)
        gained = out.logits[:, 0].float().log_softmax(1)
        mass = gained.exp().cumsum(1)
        drawn = torch.searchsorted(mass, dice[alive, None] * mass[:, -1:], right=True).clamp(max=mass.shape[1] - 1)
        ids = drawn[:, 0].tolist()
        for row, token, logprob in zip(alive, ids, gained.gather(1, drawn)[:, 0].tolist(), strict=True):
            completions[row].append(token)
            logprobs[row].append(logprob)
        order = _closed_up([token != END for token in ids])
        if not order:
            break
        if len(order) < len(alive):
            moves = [(i, old) for i, old in enumerate(order) if i != old]
            into, moved = torch.tensor(moves, dtype=torch.long).reshape(-1, 2).unbind(1)
            for room in rooms:
                room.keep(len(order), into, moved)
            alive, drawn = [alive[i] for i in order], drawn[order]
        tokens = drawn
    return Rollouts(prompts, completions, logprobs)


def _closed_up(open_rows: list[bool]) -> list[int]:
    """The rows that go on, in as few moves as can be: the last ones step into the gaps."""
    rows = sum(open_rows)
    spare = (i for i in range(rows, len(open_rows)) if open_rows[i])
    return [i if open_rows[i] else next(spare) for i in range(rows)]
