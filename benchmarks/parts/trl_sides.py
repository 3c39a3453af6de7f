"""TRL's trainers as sides of `benchmarks.ppo_step`: each in a process of its own, in an environment that has TRL.

    PYTHON -m benchmarks.parts.trl_sides ppo FOLDER layers=4 …     trl 1.12, the last with a PPO trainer
    PYTHON -m benchmarks.parts.trl_sides grpo FOLDER layers=4 …

The trainers run their own loops. A callback stops them after each step, answers with the seconds that it took, and waits for the
next request. TRL decodes all rows in one batch and trains on whole minibatches at once, which is its fastest way here, and has no
reward model: a function as cheap as ours takes its place.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import torch
from torch import nn
from transformers import GPT2ForSequenceClassification, TrainerCallback

from benchmarks.parts.child import Clock, own_output, peak_mib
from benchmarks.parts.steered import Shape, from_arguments, load, prompts, reward

FOREVER = 10**6  # steps
COMMON = {
    "bf16": False,
    "gradient_checkpointing": False,
    "learning_rate": 1e-5,
    "lr_scheduler_type": "constant",
    "report_to": "none",
    "save_strategy": "no",
    "logging_strategy": "no",
    "disable_tqdm": True,
    "use_cpu": True,
}


class Asked(TrainerCallback):  # type: ignore[misc]
    """Answers for each step of PPO, which is `every` steps of the trainer, and waits for the request for the next."""

    def __init__(self, answers: TextIO, every: int) -> None:
        self.answers, self.every, self.done = answers, every, 0
        self.lengths: list[int] = []

    def begin(self) -> None:
        if not sys.stdin.readline():
            sys.exit(0)
        self.clock, self.trained_from = Clock(), (0.0, 0.0)
        self.started = now()

    def training(self) -> None:
        """The first call of a step ends its scoring."""
        if self.trained_from == (0.0, 0.0):
            self.trained_from = now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.done += 1
        if self.done % self.every:
            return
        end, decode = now(), (self.clock.cpu_s["decode"], self.clock.wall_s["decode"])
        for kind, seconds in enumerate((self.clock.cpu_s, self.clock.wall_s)):
            seconds["train"] = end[kind] - self.trained_from[kind]
            seconds["score"] = end[kind] - self.started[kind] - seconds["train"] - decode[kind]
        answer = {"cpu_s": self.clock.cpu_s, "wall_s": self.clock.wall_s, "lengths": sorted(self.lengths), "peak_mib": peak_mib()}
        print(json.dumps(answer), file=self.answers, flush=True)
        self.begin()


def now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def timed(inner: Callable[..., Any], asked: Asked) -> Callable[..., Any]:
    """A function that samples, as the phase `decode`."""

    def outer(*given: Any, **named: Any) -> Any:
        with asked.clock.phase("decode"):
            return inner(*given, **named)

    return outer


class Feed(torch.utils.data.Dataset[dict[str, list[int]]]):
    """The prompts of one step after the other, whichever are asked for."""

    def __init__(self, shape: Shape) -> None:
        self.shape, self.given = shape, 0

    def __len__(self) -> int:
        return self.shape.prompts

    def __getitem__(self, _: int) -> dict[str, list[int]]:
        step, row = divmod(self.given, self.shape.prompts)
        self.given += 1
        return {"input_ids": prompts(self.shape, step)[row]}


class CheapReward(nn.Module):
    """In the place of a reward model: a function of the tokens so far."""

    base_model_prefix = "tokens"

    def tokens(self, input_ids: torch.Tensor, **_: Any) -> Any:
        return SimpleNamespace(hidden_states=[input_ids.cumsum(1)[..., None]])

    def score(self, sums: torch.Tensor) -> torch.Tensor:
        return sums % 7 / 3 - 1


def ppo(shape: Shape, folder: Path, out: str, answers: TextIO) -> Any:
    from trl.experimental.ppo import PPOConfig, PPOTrainer, ppo_trainer

    config = PPOConfig(
        output_dir=out,
        per_device_train_batch_size=shape.prompts,  # a minibatch is then one micro-batch, and each ends in an optimiser step
        gradient_accumulation_steps=1,
        num_mini_batches=shape.minibatches,
        num_ppo_epochs=shape.epochs,
        total_episodes=shape.prompts * FOREVER,
        local_rollout_forward_batch_size=shape.prompts,
        num_sample_generations=0,
        response_length=shape.longest,
        stop_token="eos",
        temperature=1.0,
        **COMMON,
    )
    policy, words = load(folder)
    value = GPT2ForSequenceClassification(policy.config.__class__.from_dict(policy.config.to_dict() | {"num_labels": 1}))
    value.transformer.load_state_dict(policy.transformer.state_dict())
    trainer = PPOTrainer(
        args=config,
        processing_class=words,
        model=policy,
        ref_model=load(folder)[0],
        reward_model=CheapReward(),
        value_model=value,
        train_dataset=Feed(shape),
        eval_dataset=Feed(shape),
    )
    asked = Asked(answers, 1)
    trainer.add_callback(asked)
    sampled, accumulate = ppo_trainer.batch_generation, trainer.accelerator.accumulate

    def sample(*given: Any, **named: Any) -> Any:
        ids, logits = sampled(*given, **named)
        asked.lengths = (ids[:, shape.prompt_tokens :] != words.pad_token_id).sum(1).tolist()
        return ids, logits

    def marked(*given: Any) -> Any:
        asked.training()
        return accumulate(*given)

    ppo_trainer.batch_generation, trainer.accelerator.accumulate = timed(sample, asked), marked
    return trainer, asked


def grpo(shape: Shape, folder: Path, out: str, answers: TextIO) -> Any:
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    config = GRPOConfig(
        output_dir=out,
        per_device_train_batch_size=shape.prompts // shape.minibatches,
        gradient_accumulation_steps=1,
        steps_per_generation=shape.minibatches,
        num_iterations=shape.epochs,
        num_generations=shape.group,
        max_completion_length=shape.longest,
        temperature=1.0,
        beta=0.05,
        max_steps=FOREVER,
        **COMMON,
    )
    policy, words = load(folder)
    trainer = GRPOTrainer(
        model=policy,
        args=config,
        processing_class=words,
        reward_funcs=lambda completion_ids, **_: [reward(ids) for ids in completion_ids],
        train_dataset=Dataset.from_dict({"prompt": ["w200"] * (shape.prompts // shape.group)}),
    )
    trainer.ref_model.load_state_dict(policy.state_dict())
    asked = Asked(answers, shape.minibatches * shape.epochs)
    trainer.add_callback(asked)
    generated, scored, steps = trainer._generate_single_turn, trainer._generate_and_score_completions, iter(range(FOREVER))

    def generate(*given: Any) -> Any:
        ids, logprobs = generated(*given)
        asked.lengths = [len(row) for row in ids]
        return ids, logprobs

    def score(*given: Any) -> Any:
        found = scored(*given)
        asked.training()
        return found

    trainer._tokenize_prompts = lambda _: (prompts(shape, next(steps)), None, {})  # rows of one group differ in length too
    trainer._generate_single_turn, trainer._generate_and_score_completions = timed(generate, asked), score
    return trainer, asked


def main(arguments: list[str]) -> None:
    answers = own_output()
    name, folder, shape = arguments[0], Path(arguments[1]), from_arguments(arguments[2:])
    torch.set_num_threads(shape.threads)
    with tempfile.TemporaryDirectory() as out:
        trainer, asked = {"ppo": ppo, "grpo": grpo}[name](shape, folder, out, answers)
        asked.begin()
        trainer.train()


if __name__ == "__main__":
    main(sys.argv[1:])
