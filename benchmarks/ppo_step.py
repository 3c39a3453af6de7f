"""How long does one PPO step take, beside the bare arithmetic and beside TRL?

    python -m benchmarks.ppo_step                                       ours and the floor; a quarter of an hour
    python -m benchmarks.ppo_step --trl PYTHON --trl-grpo PYTHON        TRL's trainers too; half an hour
    python -m benchmarks.ppo_step --only ours floor --rounds 1 --epochs 1     a quick look

A step samples one completion of each prompt, scores it by the reference and the critic, and trains in minibatches. All sides have
the same model (GPT-2), prompts, lengths of completions (lognormal; see benchmarks/parts/steered.py), rewards (a function that
costs nothing: the judge is left out), epochs and optimiser steps. Each is a process of its own on one thread. They take turns
in rounds, each of which has other prompts, so that a busy moment of the machine hits all alike. Seconds are those of the CPU. A
ratio is the median of the rounds' ratios.

`ours` is `core` on DeepSpeed, one process. The `floor` is a loop in plain PyTorch that was written with care
(benchmarks/parts/bare_loop.py). Both come in variants: with a critic of its own, as in the paper; -shared, with critic and
policy on one trunk; -bf16, that in bfloat16; and -group, GRPO without a critic. `agreement` shows that they do the same work: on
the same samples, how far apart their losses and weights are.

TRL needs environments of its own, made with

    python3 -m venv trl-ppo && trl-ppo/bin/pip install torch==2.13.0 trl==1.12.0 transformers==5.23.0 pandas
    python3 -m venv trl-grpo && trl-grpo/bin/pip install torch==2.13.0 trl==1.16.0 transformers==5.23.0

trl 1.12 is the last that has PPO.

Ends with one line of JSON: by epochs, the medians of `seconds` by phase, `tokens_per_s`, and `ratios`; null was not measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import mean, median
from typing import Any

from benchmarks.parts.child import Answer, Child
from benchmarks.parts.ppo_sides import FLOORS, OURS
from benchmarks.parts.steered import Shape, as_arguments, lengths, write

PHASES = ("decode", "score", "train")
TRL = {"trl-ppo": "ppo", "trl-grpo": "grpo"}
# figure → the two whose seconds it divides
RATIOS = {
    **{f"{ours}_vs_{floor}": (ours, floor) for ours, floor in zip(OURS, FLOORS, strict=True)},
    **{f"trl-ppo_vs_{side}": ("trl-ppo", side) for side in (*OURS, *FLOORS) if "group" not in side},
    **{f"trl-grpo_vs_{side}": ("trl-grpo", side) for side in ("ours-group", "floor-group")},
}
AGREEMENT_ROLLOUTS = 16


def command(name: str, folder: Path, shape: Shape, interpreters: dict[str, str | None]) -> list[str]:
    """That starts a side."""
    module, side = ("trl_sides", TRL[name]) if name in TRL else ("ppo_sides", name)
    python = interpreters.get(name) or sys.executable
    return [python, "-m", f"benchmarks.parts.{module}", side, str(folder), *as_arguments(shape)]


def measured(
    names: list[str], folder: Path, shape: Shape, rounds: int, interpreters: dict[str, str | None]
) -> dict[str, list[Answer]]:
    """What each side answered, round by round. Each round starts with another of them."""
    answers: dict[str, list[Answer]] = {name: [] for name in names}
    threads = {"OMP_NUM_THREADS": str(shape.threads), "TOKENIZERS_PARALLELISM": "false"}
    print(f"{shape.epochs} epoch(s): CPU seconds of decode + score + train")
    with ExitStack() as stack:
        sides = [stack.enter_context(Child(name, command(name, folder, shape, interpreters), threads)) for name in names]
        for side in sides:
            side.ask(0)  # what the first step alone must do is not counted
        for number in range(1, rounds + 1):
            shift = number % len(sides)
            for side in sides[shift:] + sides[:shift]:
                answer = side.ask(number)
                if answer.pop("lengths") != sorted(lengths(shape, number)):
                    raise RuntimeError(f"{side.name} did not sample the lengths that were drawn: it did other work")
                answers[side.name].append(answer)
                parts = " + ".join(f"{answer['cpu_s'][phase]:7.2f}" for phase in PHASES)
                print(f"round {number}  {side.name:14}{parts} = {total(answer):7.2f}", flush=True)
    return answers


def total(answer: Answer) -> float:
    return float(sum(answer["cpu_s"].values()))


def figures(answers: dict[str, list[Answer]], shape: Shape) -> dict[str, Any]:
    """Medians of the rounds, and their table."""
    rounds = len(next(iter(answers.values())))
    tokens = mean(sum(lengths(shape, number)) for number in range(1, rounds + 1))
    seconds = {name: {phase: median(a["cpu_s"][phase] for a in each) for phase in PHASES} for name, each in answers.items()}
    for name, parts in seconds.items():
        parts["step"] = median(map(total, answers[name]))
    found: dict[str, float | None] = {}
    for figure, (one, other) in RATIOS.items():
        if one in answers and other in answers:
            each = [total(a) / total(b) for a, b in zip(answers[one], answers[other], strict=True)]
            found[figure] = round(median(each), 4)
            print(f"{figure:28}{found[figure]:10.3f}   (rounds {min(each):.3f} to {max(each):.3f})")
        else:
            found[figure] = None
    return {
        "seconds": {name: {part: round(s, 4) for part, s in parts.items()} for name, parts in seconds.items()},
        "tokens_per_s": {name: round(tokens / times["step"], 1) for name, times in seconds.items()},
        "peak_memory_mib": {name: round(max(a["peak_mib"] for a in each)) for name, each in answers.items()},
        "ratios": found,
    }


def agreement(folder: Path, shape: Shape) -> Answer:
    """See `benchmarks.parts.ppo_sides.agreement`."""
    few = replace(shape, prompts=AGREEMENT_ROLLOUTS) if shape.prompts > AGREEMENT_ROLLOUTS else shape
    with Child("agreement", command("agreement", folder, few, {}), {"OMP_NUM_THREADS": str(shape.threads)}) as child:
        found = child.ask(0)
    print("ours and the floor on the same samples, greatest differences: " + json.dumps(found))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ppo_step", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="steps that each side takes (default 3)")
    parser.add_argument("--epochs", default="1,4", metavar="N,N", help="passes over a step's rollouts (default 1,4)")
    parser.add_argument("--trl", metavar="PYTHON", help="an interpreter that has trl 1.12")
    parser.add_argument("--trl-grpo", metavar="PYTHON", help="an interpreter that has a newer trl")
    parser.add_argument("--only", nargs="+", choices=[*OURS, *FLOORS, *TRL], metavar="NAME", help="these sides alone")
    parser.add_argument("--no-agreement", action="store_true", help="do not compare what ours and the floor learn")
    for name, text in (
        ("layers", "of the model"),
        ("width", "of the model, a multiple of 64"),
        ("vocabulary", "of the model"),
        ("prompts", "a step; a multiple of the 4 minibatches and of 8"),
        ("prompt-tokens", "tokens of each"),
        ("longest", "most tokens of a completion"),
        ("micro", "rollouts at once in training, of ours and the floor"),
        ("threads", "of each side"),
        ("seed", "of prompts and lengths"),
    ):
        default = getattr(Shape(), name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default {default})")
    parser.add_argument("--mean", type=float, default=52.0, metavar="N", help="tokens of a completion (default 52)")
    options = parser.parse_args(arguments)
    given = {name: getattr(options, name) for name in Shape.__annotations__ if hasattr(options, name) and name != "epochs"}
    shape = Shape(**given)
    epochs = [int(n) for n in options.epochs.split(",") if n.isdigit()]
    if options.rounds < 1 or not epochs or min(epochs) < 1:
        parser.error("--rounds and --epochs must be at least 1")
    if shape.prompts % shape.minibatches or shape.prompts % shape.group:
        parser.error(f"--prompts {shape.prompts} is no multiple of {shape.minibatches} minibatches and groups of {shape.group}")
    interpreters = {"trl-ppo": options.trl, "trl-grpo": options.trl_grpo}
    names = [name for name in options.only or (*OURS, *FLOORS, *TRL) if name not in TRL or interpreters[name]]
    if not names:
        parser.error("--only names sides of TRL alone, and neither --trl nor --trl-grpo says where it is")
    found: dict[str, Any] = {"epochs": {}}
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        write(shape, folder)
        for number in epochs:
            this = replace(shape, epochs=number)
            found["epochs"][str(number)] = figures(measured(names, folder, this, options.rounds, interpreters), this)
        found["agreement"] = None if options.no_agreement else agreement(folder, replace(shape, epochs=min(epochs)))
    drawn = [n for number in range(1, options.rounds + 1) for n in lengths(shape, number)]
    found["completion_tokens"] = {"mean": round(mean(drawn), 1), "longest": max(drawn)}
    print(json.dumps(found | {"python": sys.version.split()[0]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
