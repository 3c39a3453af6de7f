"""SFT on canonical solutions: the method that test feedback is compared with, and the warm-up before it."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from pathlib import Path

from core import checkpoint, engine, sft
from core.btp import train
from core.options import ModelOptions, SFTOptions
from core.policy import Policy, device_of, load_policy
from core.prompt import PREFILL, completion_for, completion_ids, messages_for, prompt_ids
from core.small import new_policy
from sandbox.problem import Problem, read_problems

log = logging.getLogger(__name__)


def finetune(
    model: ModelOptions, options: SFTOptions, problems: Path, out: Path, export: Path, progress: Callable[[int, int], None]
) -> None:
    """Fine-tunes `model`, or trains a new one (`new:4x192`), on the canonical solutions; returns at once where `export` is there.

    Writes `out/steps` and, while it runs, `out/resume`; then the Hugging Face folder `export`. ValueError: bad options, or
    problems of which none has a solution that fits.
    """
    sft.check(options)
    if checkpoint.over(out / "resume", export):
        return
    solved = [problem for problem in read_problems(problems) if problem.canonical_solution.strip()]
    if not solved:
        raise ValueError(f"{problems}: no problem has a canonical solution to train on")
    with engine.joined(model.device) as ranks:
        policy = policy_for(model, solved, options)
        examples = []
        for problem in solved:
            prompt = prompt_ids(problem, policy.tokenizer)
            completion = completion_ids(problem.canonical_solution, policy.tokenizer)
            if len(prompt) + len(completion) <= options.max_length:
                examples.append(sft.Example(tuple(prompt), tuple(completion)))
        if len(examples) < len(solved):
            log.warning("%d of %d left out: over %d tokens", len(solved) - len(examples), len(solved), options.max_length)
        if not examples:
            raise ValueError(
                f"{problems}: all {len(solved)} solutions are longer than sft max_length {options.max_length} tokens"
            )
        plan = hashlib.sha256(repr(examples).encode()).hexdigest()
        train(policy, examples, options, plan, ranks, out, export, progress)


def policy_for(model: ModelOptions, solved: list[Problem], options: SFTOptions) -> Policy:
    """The model to train: loaded, or new, with a tokenizer made of the problems and their solutions."""
    if not model.path.startswith("new:"):
        return load_policy(model, "train")
    texts = [
        messages_for(problem)[0]["content"] + "\n\n" + PREFILL + completion_for(problem.canonical_solution) for problem in solved
    ]
    return new_policy(model.path, texts, options.max_length, device_of(model), model.author, options.seed)
