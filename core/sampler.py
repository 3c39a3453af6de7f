"""Where rollouts come from: the model in training itself, a copy of it, or vLLM, behind one small interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from core.policy import Policy
from core.rollout import Rollout, Tokens, sample


class Sampler(Protocol):
    """Draws programs from the policy as it is at the last `refresh`."""

    def refresh(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Takes the policy's present weights (name in the Hugging Face model, whole tensor), one at a time, on every rank."""

    def sample(
        self,
        prompts: Sequence[Tokens],
        n: int,
        temperature: float,
        top_p: float,
        max_new_tokens: int,
        seed: int,
        on_done: Callable[[int, Rollout], None],
        rank: int,
        world: int,
    ) -> list[list[Rollout]]:
        """n samples of each prompt, as `rollout.sample`: `on_done` hears of each as soon as it has ended."""

    def close(self) -> None:
        """Ends what it has started; comes right before `engine.stop`."""


class InPlace:
    """Samples from the very model that is trained: nothing to copy."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.sample = partial(sample, policy)

    def refresh(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        pass

    def close(self) -> None:
        pass


class Replica(InPlace):
    """Samples from a copy, whole on every rank: at ZeRO-3 weights are gathered once a rollout phase, not for every token."""

    @torch.no_grad()
    def refresh(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        ours = dict(self.policy.model.named_parameters())
        for name, tensor in weights:
            ours[name].copy_(tensor)
