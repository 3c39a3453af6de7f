"""The networks of PPO as modules for the engine: a policy that scores completions, a value model, or both on one trunk."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn

from core import ppo
from core.sft import Batch, completion_states, logprobs_of, spread


class Scores(NamedTuple):
    """Of a batch's completion tokens, all [B, C] in float32 and 0 on padding. A tuple for DeepSpeed's sake, as `Batch`."""

    logprobs: Tensor
    entropies: Tensor | None  # nats; without gradient, where they were asked for
    values: Tensor | None  # V of the state before each token, of a shared trunk


class Actor(nn.Module):
    """A policy: log-probabilities of completions that are given."""

    def __init__(self, model: Any) -> None:
        """model: a causal language model of transformers, which becomes the actor's own."""
        super().__init__()
        self.policy = model

    def forward(self, batch: Batch, entropy: bool = False) -> Scores:
        states = completion_states(self.policy.base_model, batch)
        logits = self.policy.get_output_embeddings()(states).float()
        entropies = spread(ppo.entropies(logits.detach()), batch) if entropy else None
        return Scores(logprobs_of(logits, batch), entropies, self.values(states, batch))

    def values(self, _states: Tensor, _batch: Batch) -> Tensor | None:
        """What a critic on the same trunk says; None: there is none."""
        return None


class ActorCritic(Actor):
    """A policy and its critic on one trunk: less memory and time than two, but each one's gradient moves what the other reads."""

    def __init__(self, model: Any) -> None:
        super().__init__(model)
        self.value_head = value_head(model)

    def values(self, states: Tensor, batch: Batch) -> Tensor | None:
        return spread(self.value_head(states)[:, 0].float(), batch)


class Critic(nn.Module):
    """A value model with a trunk of its own, as in the paper."""

    def __init__(self, model: Any) -> None:
        """model: a causal language model of transformers, whose trunk becomes the critic's own."""
        super().__init__()
        self.value_head = value_head(model)
        self.trunk = model.base_model

    def forward(self, batch: Batch) -> Tensor:
        """Values [B, C], float32: each is read where its token is predicted, so it knows nothing of that token."""
        return spread(self.value_head(completion_states(self.trunk, batch))[:, 0].float(), batch)


def without_dropout(model: Any) -> Any:
    """The same model: a rollout and its scores must be of one policy, in training mode too."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if isinstance(getattr(module, "attention_dropout", None), float):
            module.attention_dropout = 0.0
    return model


def value_head(model: Any) -> nn.Linear:
    """One number a token instead of a vocabulary. Zeros at first: V = 0."""
    head = nn.Linear(model.config.hidden_size, 1, dtype=model.dtype, device=model.device)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return head
