"""What do more processes and higher stages of ZeRO cost or save in one training step?

    python -m benchmarks.zero_scaling                      1, 2 and 4 processes at stages 0 to 3; wants as many cores
    python -m benchmarks.zero_scaling --processes 1,2 --stages 0,2 --rounds 1

The global batch is the same for all: each process takes its share of the rows, on one thread. A step is `core.engine.Engine`'s,
with the token cross entropy of fine-tuning. Every round launches each pair of processes and stage anew. Seconds are those of the
wall, from barrier to barrier, so that more processes than cores show as such; `cpu_s` adds up all processes. The losses of all
must be the same, or the benchmark stops. Memory is the most that one process held, Python and libraries included.

Ends with one line of JSON: of each pair the medians, and `ratios` of them to one process at stage 0, or to the first pair.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.parts.steered import Shape, as_arguments, write

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node")
FIGURES = ("wall_s", "cpu_s", "tokens_per_s", "peak_mib")
Pair = tuple[int, int]  # processes, stage


def launched(pair: Pair, folder: Path, shape: Shape, steps: int, micro: int) -> dict[str, Any]:
    """What rank 0 of one launch tells. RuntimeError where it fails."""
    command = [sys.executable, *TORCHRUN, str(pair[0]), "-m", "benchmarks.parts.zero_rank", str(folder), str(pair[1]), str(steps)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(shape.threads)}
    ended = subprocess.run(
        [*command, str(micro), *as_arguments(shape)], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise RuntimeError(
            f"{pair[0]} processes at stage {pair[1]} ended with status {ended.returncode}:\n{ended.stderr[-2000:]}"
        )
    told: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return told


def figures(told: dict[str, Any]) -> dict[str, float]:
    """Of one launch: medians of its steps."""
    wall_s = median(map(max, zip(*(rank["wall_s"] for rank in told["ranks"]), strict=True)))
    cpu_s = median(map(sum, zip(*(rank["cpu_s"] for rank in told["ranks"]), strict=True)))
    peak = max(rank["peak_mib"] for rank in told["ranks"])
    return {"wall_s": wall_s, "cpu_s": cpu_s, "tokens_per_s": told["tokens"] / wall_s, "peak_mib": peak}


def measured(pairs: list[Pair], folder: Path, shape: Shape, options: argparse.Namespace) -> dict[Pair, list[dict[str, float]]]:
    """Round by round. Each round starts with another pair."""
    found: dict[Pair, list[dict[str, float]]] = {pair: [] for pair in pairs}
    losses: list[float] = []
    for number in range(options.rounds):
        shift = number % len(pairs)
        for pair in pairs[shift:] + pairs[:shift]:
            told = launched(pair, folder, shape, options.steps, options.micro)
            losses = losses or told["losses"]
            if not all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(losses, told["losses"], strict=True)):
                raise RuntimeError(
                    f"{pair[0]} processes at stage {pair[1]} have the losses {told['losses']}, the first had {losses}"
                )
            found[pair].append(figures(told))
            row = "".join(f"{name:>16}{found[pair][-1][name]:10.2f}" for name in FIGURES)
            print(f"round {number + 1}  processes {pair[0]}  stage {pair[1]}{row}", flush=True)
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.zero_scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--processes", default="1,2,4", metavar="N,N", help="numbers of processes (default 1,2,4)")
    parser.add_argument("--stages", default="0,1,2,3", metavar="N,N", help="stages of ZeRO (default 0,1,2,3)")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="launches of each (default 3)")
    parser.add_argument("--steps", type=int, default=3, metavar="N", help="training steps a launch (default 3)")
    parser.add_argument("--layers", type=int, default=4, metavar="N", help="of the model (default 4)")
    parser.add_argument("--width", type=int, default=512, metavar="N", help="of the model, a multiple of 64 (default 512)")
    parser.add_argument("--batch", type=int, default=16, metavar="N", help="rows of the global batch (default 16)")
    parser.add_argument("--micro", type=int, default=4, metavar="N", help="rows that a process holds at once (default 4)")
    options = parser.parse_args(arguments)
    processes, stages = ([int(n) for n in given.split(",") if n.isdigit()] for given in (options.processes, options.stages))
    if not processes or min(processes) < 1 or not stages or not set(stages) <= {0, 1, 2, 3}:
        parser.error(f"--processes {options.processes} must be 1 or more, and --stages {options.stages} from 0 to 3")
    if min(options.rounds, options.steps, options.batch, options.micro) < 1:
        parser.error("--rounds, --steps, --batch and --micro must be at least 1")
    shape = Shape(layers=options.layers, width=options.width, prompts=options.batch)
    pairs = list(product(processes, stages))
    with tempfile.TemporaryDirectory() as folder:
        write(shape, Path(folder))
        rounds = measured(pairs, Path(folder), shape, options)
    medians = {pair: {name: median(each[name] for each in found) for name in FIGURES} for pair, found in rounds.items()}
    base = pairs[0]
    ratios = {
        pair: {name: round(median(a[name] / b[name] for a, b in zip(found, rounds[base], strict=True)), 4) for name in FIGURES}
        for pair, found in rounds.items()
    }
    print(f"ratios to {base[0]} processes at stage {base[1]}")
    for pair, each in ratios.items():
        print(f"processes {pair[0]}  stage {pair[1]}" + "".join(f"{name:>16}{each[name]:10.3f}" for name in FIGURES))
    rows = [
        {"processes": pair[0], "stage": pair[1], "ratios": ratios[pair]} | {name: round(x, 4) for name, x in of_pair.items()}
        for pair, of_pair in medians.items()
    ]
    print(json.dumps({"rows": rows, "cores": len(os.sched_getaffinity(0))}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
