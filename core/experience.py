"""From drawn tasks to judged rollouts: prompts with a part of the solution, decoding with the judge at work beside it.

A rollout is handed to the judge as soon as it has ended, while others still grow.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from core import curriculum
from core.options import StepCoderOptions
from core.policy import Policy
from core.prompt import PREFILL, extract_program, prompt_ids
from core.rollout import Rollout, sample
from sandbox.pool import Job, Pool
from sandbox.problem import Problem, Program
from sandbox.verdict import ProgramResult


@dataclass(frozen=True, slots=True)
class Task:
    """A problem to train on. Made once a run; drawn again and again."""

    problem: Problem
    prompt: tuple[int, ...]  # token ids, without any of the solution
    cuts: tuple[int, ...]  # where the shown part of the solution ends, a stage each


@dataclass(frozen=True, slots=True)
class Judged:
    """A rollout with its verdicts. Made by `roll_out`; read by the update and the record."""

    task: Task
    stage: int
    prompt: tuple[int, ...]  # token ids, the shown part of the solution included
    shown: str  # that part
    rollout: Rollout
    text: str  # of the completion
    program: str  # as judged: the shown part, and what the completion made of it
    result: ProgramResult


def tasks_of(problems: Sequence[Problem], policy: Policy, options: StepCoderOptions) -> tuple[list[Task], int]:
    """(tasks, how many problems were left out: too long). A solution that is missing, or no Python, has the one stage 0."""
    tasks = []
    for problem in problems:
        solution = problem.canonical_solution
        try:
            cuts = curriculum.cuts(solution, options.curriculum.kinds) if options.curriculum.enabled else (0,)
        except ValueError:
            cuts = (0,)
        prompt = tuple(prompt_ids(problem, policy.tokenizer))
        longest = len(prompt) + len(policy.tokenizer(solution[: max(cuts)], add_special_tokens=False).input_ids)
        if longest <= options.max_prompt_tokens:
            tasks.append(Task(problem, prompt, cuts))
    return tasks, len(problems) - len(tasks)


def shown_part(task: Task, stage: int, ends: str) -> str:
    """What a prompt shows of the solution; `ends` is the option `prefix_ends` of the curriculum."""
    part = curriculum.prefix(task.problem.canonical_solution, task.cuts, stage)
    return part.rstrip() if ends == "line" else part


def roll_out(
    policy: Policy, drawn: Sequence[tuple[Task, int]], pool: Pool, options: StepCoderOptions, seed: int, rank: int, world: int
) -> tuple[list[Judged], dict[str, float]]:
    """The rollouts of the drawn (task, stage), those of a task together, with verdicts; seconds of `decode` and of `judge`.

    `drawn` are this rank's of all: every `world`-th. `judge` is only the time that the judge took beyond decoding.
    """
    n = options.rollouts_per_problem
    shown = [shown_part(task, stage, options.curriculum.prefix_ends) for task, stage in drawn]
    prompts = [
        (*task.prompt, *policy.tokenizer(part, add_special_tokens=False).input_ids)
        for (task, _), part in zip(drawn, shown, strict=True)
    ]
    texts: dict[int, tuple[str, str]] = {}
    results: dict[int, ProgramResult] = {}

    def collect(timeout_s: float | None) -> None:
        results.update((job.index, result) for job, result in pool.collect(timeout_s))

    def hand_over(row: int, rollout: Rollout) -> None:
        text = policy.tokenizer.decode(rollout.token_ids, skip_special_tokens=True)
        program = extract_program(PREFILL + shown[row // n] + text)
        texts[row] = text, program
        problem = drawn[row // n][0].problem
        pool.submit(Job(row, problem, Program(problem.problem_id, program, row % n)))
        collect(0)

    started = time.monotonic()
    groups = sample(policy, prompts, n, options.temperature, options.top_p, options.max_new_tokens, seed, hand_over, rank, world)
    decoded = time.monotonic()
    while pool.pending:
        collect(None)
    rollouts = [rollout for group in groups for rollout in group]
    judged = [
        Judged(*drawn[row // n], prompts[row // n], shown[row // n], rollout, *texts[row], results[row])
        for row, rollout in enumerate(rollouts)
    ]
    return judged, {"decode_s": decoded - started, "judge_s": time.monotonic() - decoded}
