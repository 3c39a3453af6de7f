"""The networks of a run: what trains, what scores, what samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from core import engine
from core.actor_critic import Actor, ActorCritic, Critic, without_dropout
from core.options import ModelOptions, StepCoderOptions
from core.policy import Policy, load_policy
from core.sampler import InPlace, Replica, Sampler
from core.vllm_rollout import VLLMSampler


@dataclass(frozen=True, slots=True)
class Models:
    """What scores and what is trained. Made by `models_of`; read by score and update."""

    actor: engine.Engine  # of an Actor, or of an ActorCritic where the critic shares its trunk
    critic: engine.Engine | None  # of a Critic of its own
    reference: Any  # an Actor that stays as training started
    pad: int  # token id
    device: torch.device

    @property
    def engines(self) -> dict[str, engine.Engine]:
        """What a checkpoint holds."""
        return {"actor": self.actor} | ({"critic": self.critic} if self.critic is not None else {})


def models_of(model: ModelOptions, policy: Policy, options: StepCoderOptions, ranks: engine.Ranks) -> tuple[Models, Sampler]:
    """Loads and wraps the networks. `policy` is trained and sampled from; at ZeRO-3 it is the copy that is sampled from."""
    ppo = options.ppo

    def fresh() -> Any:
        return load_policy(model, "train").model

    def trained(network: Any) -> Any:
        if ppo.gradient_checkpointing:
            network.gradient_checkpointing_enable({"use_reentrant": False})
        return without_dropout(network)

    sampler: Sampler
    if options.sampler == "vllm":
        sampler = VLLMSampler(policy, options.vllm_gpu_share, options.max_prompt_tokens + options.max_new_tokens)
    else:
        sampler = (Replica if ppo.zero_stage == 3 else InPlace)(policy)
    rates = training_of(options, ppo.learning_rate, ranks), training_of(options, ppo.critic_learning_rate, ranks)
    shared = ppo.advantage == "gae" and ppo.critic == "shared"
    actor = (ActorCritic if shared else Actor)(trained(fresh() if isinstance(sampler, Replica) else policy.model))
    critic = Critic(trained(fresh())) if ppo.advantage == "gae" and not shared else None
    models = Models(
        engine.Engine(actor, rates[0], ranks),
        engine.Engine(critic, rates[1], ranks) if critic is not None else None,
        engine.frozen(Actor(fresh()), rates[0]),
        policy.tokenizer.pad_token_id,
        policy.device,
    )
    return models, sampler


def training_of(options: StepCoderOptions, learning_rate: float, ranks: engine.Ranks) -> engine.Training:
    """How an engine trains: a rank's rollouts of a step, in minibatches of micro-batches."""
    ppo = options.ppo
    rollouts = options.problems_per_step // ranks.world * options.rollouts_per_problem
    accumulation = math.ceil(math.ceil(rollouts / ppo.minibatches) / ppo.micro_batch_size)
    return engine.Training(
        learning_rate, ppo.micro_batch_size, accumulation, ppo.weight_decay, ppo.gradient_clipping, ppo.zero_stage, ppo.offload
    )
