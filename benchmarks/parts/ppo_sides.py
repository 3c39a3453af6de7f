"""The sides of `benchmarks.ppo_step` that run here, each in a process of its own that answers requests for one step.

python -m benchmarks.parts.ppo_sides NAME FOLDER layers=4 …
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from benchmarks.parts.bare_decode import Rollouts, decode
from benchmarks.parts.bare_loop import Bare
from benchmarks.parts.child import Answer, Clock, own_output, peak_mib, serve
from benchmarks.parts.our_step import VARIANTS, Ours, ppo_options
from benchmarks.parts.steered import Shape, from_arguments, prompts, reward
from core import engine

OURS = {f"ours-{variant}".removesuffix("-separate"): variant for variant in VARIANTS}
FLOORS = {f"floor-{variant}".removesuffix("-separate"): variant for variant in VARIANTS}


def our_step(shape: Shape, folder: Path, variant: str) -> Callable[[int], Answer]:
    ours = Ours(shape, folder, variant, engine.start("cpu"))

    def step(number: int) -> Answer:
        clock, given = Clock(), prompts(shape, number)
        with clock.phase("decode"):
            rollouts = ours.decode(given, number)
        ours.train(given, rollouts, [reward(r.token_ids) for r in rollouts], number, clock)
        return answered(clock, [len(r.token_ids) for r in rollouts])

    return step


def bare_step(shape: Shape, folder: Path, variant: str) -> Callable[[int], Answer]:
    bare = Bare(shape, folder, ppo_options(shape, variant), variant)

    def step(number: int) -> Answer:
        clock, given = Clock(), prompts(shape, number)
        with clock.phase("decode"):
            seen = decode(bare.policy, given, shape.longest, number)
        with clock.phase("score"):
            scored = bare.score(seen)
        with clock.phase("train"):
            bare.train(seen, [reward(c) for c in seen.completions], scored, number)
        return answered(clock, [len(c) for c in seen.completions])

    return step


def answered(clock: Clock, lengths: list[int]) -> Answer:
    return {"cpu_s": clock.cpu_s, "wall_s": clock.wall_s, "lengths": sorted(lengths), "peak_mib": peak_mib()}


def agreement(shape: Shape, folder: Path) -> Answer:
    """Ours and the bare loop on the same samples: how far apart what one step makes is.

    Of the losses: the difference. Of the policy's weights: the length of the difference over that of the way they have gone.
    """
    ranks = engine.start("cpu")
    found: Answer = {}
    for variant in VARIANTS:
        ours, bare = Ours(shape, folder, variant, ranks), Bare(shape, folder, ppo_options(shape, variant), variant)
        given = prompts(shape, 0)
        rollouts = ours.decode(given, 0)
        rewards = [reward(r.token_ids) for r in rollouts]
        seen = Rollouts(given, [list(r.token_ids) for r in rollouts], [list(r.logprobs) for r in rollouts])
        start = flat(bare.policy)
        mine = ours.train(given, rollouts, rewards, 0, Clock())
        theirs = bare.train(seen, rewards, bare.score(seen), 0)
        losses = {name: abs(mine[name] - value) for name, value in theirs.items()}
        end = flat(bare.policy)
        found[variant] = losses | {"weights": float((flat(ours.policy.model) - end).norm() / (end - start).norm())}
    return found


def flat(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().float().flatten() for p in model.parameters()])


def main(arguments: list[str]) -> None:
    answers = own_output()
    name, folder, shape = arguments[0], Path(arguments[1]), from_arguments(arguments[2:])
    torch.set_num_threads(shape.threads)
    try:
        if name == "agreement":
            serve(lambda _: agreement(shape, folder), answers)
        else:
            step: Callable[[Any], Answer]
            step = our_step(shape, folder, OURS[name]) if name in OURS else bare_step(shape, folder, FLOORS[name])
            serve(step, answers)
    finally:
        engine.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
