"""One PPO step as `core.stepcoder` takes it, on the rollouts of a steered model and without the judge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.child import Clock
from benchmarks.parts.steered import Shape, load
from core import engine, update
from core.attempts import Attempt, Task
from core.experience import experience
from core.models import models_of
from core.options import ModelOptions, PPOOptions, StepCoderOptions
from core.policy import Policy
from core.rollout import Rollout
from core.score import score
from sandbox.problem import Problem
from sandbox.verdict import ProgramResult, Verdict

TASK = Task(Problem("steered", "", "stdin", inputs=("",), outputs=("",)), (), (0,))
RESULT = ProgramResult(Verdict.PASS, (), 0)
VARIANTS: dict[str, dict[str, Any]] = {
    "separate": {},
    "shared": {"critic": "shared"},
    "bf16": {"critic": "shared"},
    "group": {"advantage": "group", "whiten": False, "kl_in": "loss"},
}


def ppo_options(shape: Shape, variant: str) -> PPOOptions:
    """What all sides share; the learning rate moves the weights."""
    return PPOOptions(
        mask="all",
        epochs=shape.epochs,
        minibatches=shape.minibatches,
        micro_batch_size=shape.micro,
        learning_rate=1e-5,
        critic_learning_rate=1e-5,
        **VARIANTS[variant],
    )


class Ours:
    """The networks of one variant. `engine.start` comes before, `engine.stop` after."""

    def __init__(self, shape: Shape, folder: Path, variant: str, ranks: engine.Ranks) -> None:
        self.shape, self.ranks = shape, ranks
        self.options = StepCoderOptions(
            problems_per_step=shape.prompts, rollouts_per_problem=1, max_new_tokens=shape.longest, ppo=ppo_options(shape, variant)
        )
        network, tokenizer = load(folder)
        model = ModelOptions(str(folder), "bfloat16" if variant == "bf16" else "float32", "cpu")
        self.policy = Policy(network.bfloat16() if variant == "bf16" else network, tokenizer, torch.device("cpu"), "steered")
        self.models, self.sampler = models_of(model, self.policy, self.options, ranks)

    def decode(self, prompts: Sequence[Sequence[int]], seed: int) -> list[Rollout]:
        """One completion of each prompt, at temperature 1."""
        self.sampler.refresh(self.models.actor.weights("policy"))
        groups = self.sampler.sample(
            prompts, 1, 1.0, 1.0, self.shape.longest, seed, lambda _row, _rollout: None, self.ranks.rank, self.ranks.world
        )
        return [rollout for group in groups for rollout in group]

    def train(
        self, prompts: Sequence[Sequence[int]], rollouts: Sequence[Rollout], rewards: Sequence[float], step: int, clock: Clock
    ) -> dict[str, float]:
        """Scores, and trains all epochs; what the update tells."""
        ppo = self.options.ppo
        attempts = [
            Attempt(TASK, 0, tuple(prompt), "", rollout, "", rollout.program)
            for prompt, rollout in zip(prompts, rollouts, strict=True)
        ]
        with clock.phase("score"):
            scored = score(self.models, attempts, ppo, False, lambda: None)
        with clock.phase("train"):
            seen = experience(scored, attempts, [RESULT] * len(attempts), rewards, self.policy.tokenizer, ppo)
            n = self.shape.group if ppo.advantage == "group" else 1
            return update.update(self.models, seen, ppo, n, step, self.shape.seed)
