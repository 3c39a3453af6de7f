"""Keys and values of a decoding batch, with room for the tokens to come.

transformers' own cache copies all of itself for each token: with 64 rows of 200 tokens that was three quarters of decoding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

ROOM = 64  # tokens, at least, that are made room for at a time


class RoomyLayer(DynamicLayer):  # type: ignore[misc]  # transformers has no types
    """One layer's: [rows, heads, tokens, numbers a head], views into tensors that are longer."""

    def __init__(self) -> None:
        super().__init__()
        self.room: list[Tensor] = []  # of keys, of values

    def update(self, key_states: Tensor, value_states: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Writes the new tokens behind the others; all of them."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        length, new = self.get_seq_length(), key_states.shape[-2]
        if not self.room or self.room[0].shape[-2] < length + new:
            self._make_room(key_states, length, length + new + max(ROOM, length // 4))
        for room, states in zip(self.room, (key_states, value_states), strict=True):
            room[:, :, length : length + new] = states
        self._look(len(key_states), length + new)
        return self.keys, self.values

    def keep(self, rows: Sequence[int]) -> None:
        """Goes on with these rows, repeats allowed. Rows that only fill the holes of others are moved where they stand."""
        count = len(rows)
        moves = [(place, row) for place, row in enumerate(rows) if place != row]
        length = self.get_seq_length()
        if self.room and count <= len(self.keys) and all(row >= count for _, row in moves):
            for room in self.room:
                for place, row in moves:
                    room[place, :, :length] = room[row, :, :length]
            self.room = [room[:count] for room in self.room]
            self._look(count, length)
        else:
            self.batch_select_indices(torch.tensor(rows, device=self.device))
            self.room = []

    def batch_repeat_interleave(self, repeats: int) -> None:
        super().batch_repeat_interleave(repeats)
        self.room = []

    def _make_room(self, like: Tensor, length: int, tokens: int) -> None:
        made = [like.new_empty(*like.shape[:2], tokens, like.shape[3]) for _ in range(2)]
        if length:
            for room, old in zip(made, (self.keys, self.values), strict=True):
                room[:, :, :length] = old
        self.room = made

    def _look(self, rows: int, tokens: int) -> None:
        self.keys, self.values = (room[:rows, :, :tokens] for room in self.room)


def roomy_cache(config: Any) -> DynamicCache:
    """An empty cache for a model of this configuration. Layers of another kind, such as sliding windows, stay transformers'."""
    cache = DynamicCache(config=config)
    cache.layers = [RoomyLayer() if type(layer) is DynamicLayer else layer for layer in cache.layers]
    return cache


def keep(cache: DynamicCache, rows: Sequence[int]) -> None:
    """Goes on with these rows of the batch, repeats allowed."""
    for layer in cache.layers:
        if isinstance(layer, RoomyLayer):
            layer.keep(rows)
        else:
            layer.batch_select_indices(torch.tensor(rows, device=layer.device))


def without(ended: Sequence[bool]) -> list[int]:
    """The places of the rows that go on, fewest moves: the last of them stand where others have ended."""
    count = len(ended) - sum(ended)
    movers = [place for place in range(count, len(ended)) if not ended[place]]
    return [place if not ended[place] else movers.pop(0) for place in range(count)]
