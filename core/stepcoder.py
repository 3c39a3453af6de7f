"""Training from test feedback (StepCoder, arXiv 2402.01391): PPO with CCCS and FGO; its parts are options, not other loops.

The loop is in `train`, top to bottom. Every draw follows from (seed, step, rank), so a killed run goes on from its last
checkpoint as if it had never stopped.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from core import checkpoint, curriculum, engine, reward, signals, update
from core.attempts import Attempt, Judging, Task, roll_out, tasks_of
from core.experience import Experience, experience
from core.metrics import Clock, story
from core.models import models_of
from core.options import ModelOptions, StepCoderOptions
from core.policy import Policy, load_policy
from core.score import score
from results.parts import part_paths, write_part
from sandbox.judge import JudgeOptions
from sandbox.pool import Pool
from sandbox.problem import read_problems
from sandbox.verdict import ProgramResult, Verdict

# Options that may change from start to start.
FREE = ("steps", "checkpoint_every_steps", "most_judge_errors", "most_kl", "micro_batch_size")


def check(options: StepCoderOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    reward.check(options.reward)
    curriculum.check(options.curriculum.alpha, options.curriculum.threshold, options.curriculum.kinds, options.curriculum.falls)
    update.check(options.ppo)
    if options.sampler not in ("own", "vllm"):
        raise ValueError(f"stepcoder sampler {options.sampler!r} is not one of own, vllm")
    if options.curriculum.prefix_ends not in ("line", "statement"):
        raise ValueError(f"curriculum prefix_ends {options.curriculum.prefix_ends!r} is not one of line, statement")
    for name in ("steps", "problems_per_step", "rollouts_per_problem", "max_new_tokens", "checkpoint_every_steps"):
        if getattr(options, name) < 1:
            raise ValueError(f"stepcoder {name} {getattr(options, name)} is less than 1")
    if options.ppo.advantage != "gae" and options.rollouts_per_problem < 2:
        raise ValueError(
            f"stepcoder rollouts_per_problem {options.rollouts_per_problem} is less than 2: ppo advantage "
            f"{options.ppo.advantage!r} compares rollouts of a problem with each other"
        )
    if options.temperature <= 0 or not 0 < options.top_p <= 1:
        raise ValueError(f"stepcoder needs temperature > 0 and 0 < top_p <= 1, not {options.temperature} and {options.top_p}")


def train(
    model: ModelOptions,
    options: StepCoderOptions,
    judging: JudgeOptions,
    workers: int,
    problems: Path,
    out: Path,
    export: Path,
    progress: Callable[[int, int, str], None],
) -> None:
    """Trains `model` and writes the Hugging Face folder `export`; returns at once where it is there.

    Each rank judges its own rollouts with `workers` processes. Writes `out/steps` (a row a step), `out/rollouts` (a row a judged
    rollout) and, while it runs, `out/resume`. `progress` takes (step, steps, what the step tells).
    A signal to end is heeded when the step ends (`core.signals`).
    ValueError: bad options or problems, or a checkpoint of other options. RuntimeError: a loss that is no number, a policy far
    from its start, or too many judge errors; the last checkpoint is kept.
    """
    check(options)
    if checkpoint.over(out / "resume", export):
        return
    with engine.joined(model.device) as ranks:
        if options.problems_per_step % ranks.world:
            raise ValueError(f"stepcoder problems_per_step {options.problems_per_step} must be a multiple of {ranks.world} ranks")
        rollouts = options.problems_per_step // ranks.world * options.rollouts_per_problem
        if rollouts < options.ppo.minibatches:
            raise ValueError(f"ppo minibatches {options.ppo.minibatches} is more than the {rollouts} rollouts of a rank")
        policy = load_policy(model, "train")
        tasks = tasks_that_fit(problems, policy, options)
        models, sampler = models_of(model, policy, options, ranks)
        stages = {task.problem.problem_id: curriculum.start(len(task.cuts)) for task in tasks}
        plan = {"plan": fingerprint(tasks), "options": asdict(options)}
        latest = checkpoint.load(out / "resume", models.engines, plan, FREE)
        if latest:
            stages = curriculum.restored(latest["curriculum"])
        first = latest["step"] if latest else 0
        if first > options.steps:
            raise ValueError(f"stepcoder steps {options.steps} is less than the {first} that are done")
        engine.once(ranks, lambda: forget(out, first))
        n, scoring = options.rollouts_per_problem, options.ppo.old_logprobs
        again = scoring == "scored" or (scoring == "auto" and options.sampler != "own")
        with signals.heeded() as asked, closing(sampler), Pool(judging, workers) as pool:
            for step in range(first, options.steps):
                clock, judge = Clock(), Judging(pool)
                sampler.refresh(models.actor.weights("policy"))
                drawn = [(task, stages[task.problem.problem_id].stage) for task in draw(tasks, step, options)]
                mine, luck = drawn[ranks.rank :: ranks.world], options.seed * 1_000_003 + step
                attempts = roll_out(sampler, policy.tokenizer, mine, judge, options, luck, ranks)
                clock.lap("decode_s")
                scored = score(models, attempts, options.ppo, again, judge.keep_going)  # while the judge works
                clock.lap("score_s")
                results = judge.finish()
                clock.lap("judge_s")
                rewards = [reward.program_reward(result, options.reward) for result in results]
                seen = experience(scored, attempts, results, rewards, policy.tokenizer, options.ppo)
                told = update.update(models, seen, options.ppo, n, step, options.seed)
                clock.lap("train_s")
                stages |= moved(stages, attempts, results, options)
                row = {"step": step} | told | clock.seconds | {"stage": sum(p.stage for p in stages.values()) / len(stages)}
                record(out, step, ranks, row, attempts, results, seen)
                stop_if_broken(row, options)  # before what is broken is saved
                stop, more = signals.stopping(asked, models.device), step + 1 < options.steps
                if more and (stop or (step + 1) % options.checkpoint_every_steps == 0):
                    agreed = plan | {"curriculum": curriculum.state(stages)}
                    checkpoint.save(out / "resume", models.engines, step + 1, agreed, policy)
                if ranks.rank == 0:
                    progress(step + 1, options.steps, story(row))
                if more and stop:
                    return
            models.actor.export(export, "policy", policy.tokenizer)
            engine.once(ranks, lambda: checkpoint.drop(out / "resume"))


def tasks_that_fit(problems: Path, policy: Policy, options: StepCoderOptions) -> list[Task]:
    """ValueError: there is none."""
    tasks = tasks_of(list(read_problems(problems)), policy, options)
    if not tasks:
        raise ValueError(f"{problems}: no problem fits in stepcoder max_prompt_tokens {options.max_prompt_tokens}")
    return tasks


def fingerprint(tasks: Sequence[Task]) -> str:
    """Of the problems, for a checkpoint to agree with."""
    return hashlib.sha256(repr([(task.problem, task.cuts) for task in tasks]).encode()).hexdigest()


def draw(tasks: Sequence[Task], step: int, options: StepCoderOptions) -> list[Task]:
    """The problems of a step, of all ranks: each pass over them is a permutation of its own, from (seed, pass)."""
    drawn = []
    for place in range(step * options.problems_per_step, (step + 1) * options.problems_per_step):
        turn, at = divmod(place, len(tasks))
        drawn.append(tasks[int(np.random.default_rng([options.seed, turn]).permutation(len(tasks))[at])])
    return drawn


def moved(
    stages: dict[str, curriculum.Progress],
    attempts: Sequence[Attempt],
    results: Sequence[ProgramResult],
    options: StepCoderOptions,
) -> dict[str, curriculum.Progress]:
    """The curriculum of the problems that any rank has just rolled out, by the share of their rollouts that pass (CCCS)."""
    passes: dict[str, list[bool]] = {}
    for each, result in zip(attempts, results, strict=True):
        verdict = reward.worst(test.verdict for test in result.tests)
        if verdict is not Verdict.JUDGE_ERROR:
            passes.setdefault(each.task.problem.problem_id, []).append(verdict is Verdict.PASS)
    together: dict[str, list[bool]] = {}  # a problem may be drawn twice in a step, and by two ranks
    for of_rank in engine.gathered(passes):
        for name, passed in of_rank.items():
            together.setdefault(name, []).extend(passed)
    rules = options.curriculum
    return {
        name: curriculum.advance(stages[name], sum(passed) / len(passed), rules.alpha, rules.threshold, rules.falls)
        for name, passed in together.items()
    }


def record(
    out: Path,
    step: int,
    ranks: engine.Ranks,
    row: dict[str, Any],
    attempts: Sequence[Attempt],
    results: Sequence[ProgramResult],
    seen: Experience,
) -> None:
    """The step's row, and a row a rollout of this rank."""
    rows = [
        {
            "step": step,
            "problem_id": each.task.problem.problem_id,
            "difficulty": each.task.problem.difficulty,
            "stage": each.stage,
            "shown_tokens": len(each.prompt) - len(each.task.prompt),
            "program": each.program,
            "verdict": result.verdict.value,
            "verdicts": [test.verdict.value for test in result.tests],
            "tests_passed": result.tests_passed,
            "tests_total": result.tests_total,
            "reward": None if math.isnan(value) else value,
            "masked": masked,  # share of the completion's tokens that FGO leaves out
            "logprob_sum": each.rollout.logprob_sum,
            "token_count": each.rollout.token_count,
            "finished": each.rollout.finished,
        }
        for each, result, value, masked in zip(attempts, results, seen.reward.tolist(), seen.masked().tolist(), strict=True)
    ]
    write_part(out / "rollouts", f"{step:06d}-{ranks.rank:04d}", pa.Table.from_pylist(rows))
    if ranks.rank == 0:
        write_part(out / "steps", f"{step:06d}", pa.Table.from_pylist([row]))


def forget(out: Path, step: int) -> None:
    """Takes back the records from `step` on: they are made again, perhaps by fewer ranks."""
    for part in [*part_paths(out / "steps"), *part_paths(out / "rollouts")]:
        if int(part.name.split("-")[1].removesuffix(".parquet")) >= step:
            part.unlink()


def stop_if_broken(row: dict[str, Any], options: StepCoderOptions) -> None:
    """RuntimeError where going on would only cost: the last checkpoint is kept."""
    broken = [name for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)]
    if broken:
        raise RuntimeError(f"step {row['step']}: {', '.join(broken)} is no finite number; the last checkpoint is kept")
    if options.most_kl and row["kl"] > options.most_kl:
        raise RuntimeError(
            f"step {row['step']}: the policy is {row['kl']:.2f} nats a token from where it started, over the limit of "
            f"{options.most_kl} (most_kl): it has collapsed. Start anew with a lower ppo.learning_rate or "
            "a higher ppo.kl_weight, or raise most_kl"
        )
    if row["judge_errors"] > options.most_judge_errors:
        raise RuntimeError(
            f"step {row['step']}: {row['judge_errors']:.1%} of the rollouts ended in judge errors, over the limit of "
            f"{options.most_judge_errors:.1%} (most_judge_errors); `python -m sandbox doctor` tells why"
        )
