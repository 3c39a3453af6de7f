"""BTP (arXiv 2410.12236, Algorithm 1) after sampling and testing: draw tested programs by priority, fine-tune on them.

The loop is in `finetune`, top to bottom. What it draws is written first; then every batch follows from (seed, step), so
a killed run goes on from its last checkpoint and ends with the weights it would have had.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from core import checkpoint, engine, replay, sft, signals
from core.actor_critic import Actor
from core.options import ModelOptions, ReplayOptions, SFTOptions
from core.policy import Policy, load_policy
from core.prompt import completion_ids, prompt_ids
from core.rollout import score
from results.parts import iter_rows, part_paths, read_parts, write_part
from sandbox.problem import Problem, Program, read_problems, read_programs

Key = tuple[str, str, int]  # problem_id, author, sample
FREE = ("checkpoint_every_steps", "micro_batch_size")  # options that may change from start to start

log = logging.getLogger(__name__)


def finetune(
    model: ModelOptions,
    replay_options: ReplayOptions,
    sft_options: SFTOptions,
    problems: Path,
    programs: Path,
    judged: Path,
    out: Path,
    export: Path,
    progress: Callable[[int, int], None],
) -> None:
    """Fine-tunes `model` on drawn programs and writes the Hugging Face folder `export`; returns at once where it is there.

    `programs` is a folder or file of programs, `judged` the judge's folder for them. Writes `out/drawn` (what replay drew,
    with priorities), `out/steps` (one row a step) and, while it runs, `out/resume`. `progress` takes (step, steps).
    ValueError: bad options, programs that are not judged yet, nothing left to draw from.
    """
    replay.check(replay_options)
    sft.check(sft_options)
    if checkpoint.over(out / "resume", export):
        return
    by_id = {problem.problem_id: problem for problem in read_problems(problems)}
    tested = tested_programs(programs, judged, by_id)
    with engine.joined(model.device) as ranks:
        policy = load_policy(model, "train")
        engine.once(ranks, lambda: draw(policy, by_id, tested, replay_options, sft_options.max_length, out / "drawn"))
        examples = drawn_examples(policy, by_id, tested, out / "drawn")
        plan = hashlib.sha256(repr(examples).encode()).hexdigest()
        train(policy, examples, sft_options, plan, ranks, out, export, progress)


def train(
    policy: Policy,
    examples: Sequence[sft.Example],
    options: SFTOptions,
    plan: str,
    ranks: engine.Ranks,
    out: Path,
    export: Path,
    progress: Callable[[int, int], None],
) -> None:
    """The fine-tuning loop: from the last checkpoint to the exported folder. A signal to end is heeded after a step.

    ValueError: a checkpoint of other options. RuntimeError: a loss or gradient that is no number; the last checkpoint is kept.
    """
    policy.model.train()
    accumulation = sft.accumulation_of(options, ranks.world)
    training = engine.Training(
        options.learning_rate,
        options.micro_batch_size,
        accumulation,
        options.weight_decay,
        options.gradient_clipping,
        options.zero_stage,
    )
    trainer = engine.Engine(Actor(policy.model), training, ranks)
    steps = sft.steps_of(len(examples), options)
    agreed = {"plan": plan, "options": asdict(options)}
    latest = checkpoint.load(out / "resume", {"model": trainer}, agreed, FREE)
    first = latest["step"] if latest else 0
    with signals.heeded() as asked:
        for step in range(first, steps):
            started = time.monotonic()
            torch.manual_seed(hash((options.seed, step, ranks.rank)))  # dropout, where the model has any
            batch = [examples[i] for i in sft.batch_of(len(examples), step, options)]
            tokens = sum(len(example.completion) for example in batch)  # of all ranks: the mean is over the whole step
            summed = 0.0
            for rows in sft.micro_batches(batch, ranks.rank, ranks.world, options):
                inputs = sft.collate(rows, policy.tokenizer.pad_token_id, trainer.device)
                loss = -(trainer(inputs).logprobs * inputs.weights).sum() / tokens
                trainer.backward(loss)
                summed += float(loss.detach())
            rate = sft.learning_rate(step, steps, options)
            norm = trainer.step(rate)
            loss_of_all = float(engine.total(torch.tensor([summed]), trainer.device))
            if not (math.isfinite(loss_of_all) and math.isfinite(norm)):
                raise RuntimeError(
                    f"step {step}: the loss is {loss_of_all}, its gradient's norm {norm}; the last checkpoint is kept"
                )
            row = {"step": step, "loss": loss_of_all, "learning_rate": rate, "tokens": tokens, "grad_norm": norm}
            if ranks.rank == 0:
                write_part(out / "steps", f"{step:06d}", pa.Table.from_pylist([row | {"seconds": time.monotonic() - started}]))
                progress(step + 1, steps)
            stop, more = signals.stopping(asked, policy.device), step + 1 < steps
            if more and (stop or (step + 1) % options.checkpoint_every_steps == 0):
                checkpoint.save(out / "resume", {"model": trainer}, step + 1, agreed, policy)
            if more and stop:
                return
        trainer.export(export, "policy", policy.tokenizer)
        engine.once(ranks, lambda: checkpoint.drop(out / "resume"))


def tested_programs(programs: Path, judged: Path, by_id: dict[str, Problem]) -> dict[Key, tuple[Program, float]]:
    """(program, pass rate) by key, in the order of `programs`; programs that the judge failed on are left out and counted."""
    columns = ("problem_id", "author", "sample", "verdict", "tests_passed", "tests_run", "tests_total")
    verdicts = {(row["problem_id"], row["author"], row["sample"]): row for row in iter_rows(judged / "programs", columns)}
    tested: dict[Key, tuple[Program, float]] = {}
    count = judge_errors = empty = 0
    for program in read_programs(programs):
        key = (program.problem_id, program.author, program.sample)
        name = f"program (problem_id {key[0]!r}, author {key[1]!r}, sample {key[2]})"
        if program.problem_id not in by_id:
            raise ValueError(f"{programs}: {name} is for a problem that the problems do not hold")
        if key not in verdicts:
            raise ValueError(f"{judged}: {name} of {programs} has no verdict: not all programs are judged yet")
        if key in tested:
            raise ValueError(f"{programs}: {name} stands twice")
        count += 1
        verdict = verdicts[key]
        if verdict["verdict"] == "judge_error":
            judge_errors += 1
        elif (verdict["tests_run"] or verdict["tests_total"]) < verdict["tests_total"]:
            raise ValueError(f"{judged}: {name} was judged up to its first failure only, which gives no pass rate")
        elif not program.program.strip():
            empty += 1
        else:
            tested[key] = (program, verdict["tests_passed"] / verdict["tests_total"])
    if judge_errors or empty:
        log.warning("%d of %d programs left out: %d judge errors, %d empty", judge_errors + empty, count, judge_errors, empty)
    if not tested:
        raise ValueError(f"{programs}: nothing to draw from: {count} programs, {judge_errors} judge errors, {empty} empty")
    return tested


def draw(
    policy: Policy,
    by_id: dict[str, Problem],
    tested: dict[Key, tuple[Program, float]],
    options: ReplayOptions,
    max_length: int,
    folder: Path,
) -> None:
    """Computes P2Values, draws, and writes one row a candidate to `folder`, unless it is there.

    Programs without a likelihood are scored here, under the student.
    """
    if part_paths(folder):
        return
    rows: list[dict[str, Any]] = []
    unscored: list[tuple[dict[str, Any], list[int], list[int]]] = []
    for (problem_id, author, number), (program, pass_rate) in tested.items():
        prompt = prompt_ids(by_id[problem_id], policy.tokenizer)
        completion = completion_ids(program.program, policy.tokenizer)
        if len(prompt) + len(completion) > max_length:
            continue
        row = {"problem_id": problem_id, "author": author, "sample": number, "pass_rate": pass_rate}
        rows.append(row | {"logprob_sum": program.logprob_sum, "token_count": program.token_count or len(completion)})
        if program.logprob_sum is None:
            unscored.append((rows[-1], prompt, completion))
            rows[-1]["token_count"] = len(completion)
    if len(rows) < len(tested):
        log.warning("%d of %d programs left out: longer than %d tokens", len(tested) - len(rows), len(tested), max_length)
    if not rows:
        raise ValueError(f"nothing to draw from: all {len(tested)} programs are longer than sft max_length {max_length} tokens")
    if unscored:
        sums = score(policy, [prompt for _, prompt, _ in unscored], [completion for _, _, completion in unscored])
        for (row, _, _), logprob_sum in zip(unscored, sums, strict=True):
            row["logprob_sum"] = logprob_sum
    table = pa.Table.from_pylist(rows)
    likelihood = replay.likelihoods(
        np.array(table["logprob_sum"], dtype=np.float64), np.array(table["token_count"], dtype=np.float64), options.likelihood
    )
    values = replay.p2value(likelihood, np.array(table["pass_rate"], dtype=np.float64), options.weight)
    probabilities = replay.draw_probabilities(values, options.priority, options.exponent)
    for name, column in {
        "likelihood": likelihood,
        "p2value": values,
        "probability": probabilities,
        "importance_weight": replay.importance_weights(probabilities, options.importance_exponent),
        "times_drawn": replay.times_drawn(probabilities, options.draws, options.seed),
    }.items():
        table = table.append_column(name, pa.array(column))
    write_part(folder, "00000", table)


def drawn_examples(
    policy: Policy, by_id: dict[str, Problem], tested: dict[Key, tuple[Program, float]], folder: Path
) -> list[sft.Example]:
    """The drawn programs as examples, as often as each was drawn."""
    examples: list[sft.Example] = []
    for row in read_parts(folder).to_pylist():
        program, _ = tested[row["problem_id"], row["author"], row["sample"]]
        prompt = prompt_ids(by_id[program.problem_id], policy.tokenizer)
        completion = completion_ids(program.program, policy.tokenizer)
        examples += [sft.Example(tuple(prompt), tuple(completion), row["importance_weight"])] * row["times_drawn"]
    return examples
