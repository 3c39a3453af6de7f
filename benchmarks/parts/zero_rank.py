"""One rank of `benchmarks.zero_scaling`: some training steps on a global batch that does not depend on the number of ranks.

torchrun --nproc-per-node 2 -m benchmarks.parts.zero_rank FOLDER STAGE STEPS MICRO layers=4 …
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from benchmarks.parts.child import own_output, peak_mib
from benchmarks.parts.steered import LENGTHS, from_arguments, lengths, load, prompts
from core import engine
from core.options import SFTOptions
from core.sft import Batch, Example, collate, micro_batches, token_logprobs

RATE = 1e-3  # high, so that a wrong gradient shows in the next loss


class Scorer(nn.Module):
    """The log-probabilities of completions, as a module of its own, which is what ZeRO hooks into."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: Batch) -> torch.Tensor:
        return token_logprobs(self.model, batch)


def main(arguments: list[str]) -> None:
    answers = own_output()
    folder, (stage, steps, micro), shape = Path(arguments[0]), map(int, arguments[1:4]), from_arguments(arguments[4:])
    torch.set_num_threads(shape.threads)
    ranks = engine.start("cpu")
    options = SFTOptions(batch_size=shape.prompts, micro_batch_size=micro)
    accumulation = len(micro_batches([], ranks.rank, ranks.world, options))
    training = engine.Training(RATE, micro, accumulation, zero_stage=stage)
    trained = engine.Engine(Scorer(load(folder)[0]), training, ranks)
    luck = np.random.default_rng(shape.seed)
    examples = [
        Example(tuple(prompt), tuple(luck.integers(LENGTHS, shape.vocabulary, n).tolist()))
        for prompt, n in zip(prompts(shape, 0), lengths(shape, 0), strict=True)
    ]
    tokens = sum(len(example.completion) for example in examples)
    seconds, losses = [], []
    for _ in range(steps + 1):  # the first has more to do, and is not counted
        dist.barrier()
        cpu, wall, loss = time.process_time(), time.perf_counter(), 0.0
        for part in micro_batches(examples, ranks.rank, ranks.world, options):
            batch = collate(part, 1, trained.device)
            summed = -(trained(batch) * batch.weights).sum()
            loss += float(summed.detach())
            trained.backward(summed / tokens)
        trained.step(RATE)
        dist.barrier()
        seconds.append((time.process_time() - cpu, time.perf_counter() - wall))
        losses.append(float(engine.total(torch.tensor([loss]), trained.device)) / tokens)
    cpu_s, wall_s = zip(*seconds[1:], strict=True)
    told = engine.gathered({"cpu_s": cpu_s, "wall_s": wall_s, "peak_mib": peak_mib()})
    if ranks.rank == 0:
        print(json.dumps({"ranks": told, "losses": losses, "tokens": tokens}), file=answers, flush=True)
    engine.stop()


if __name__ == "__main__":
    main(sys.argv[1:])
