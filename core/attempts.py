"""From drawn tasks to programs with verdicts: prompts with a part of the solution, decoding with the judge at work beside it.

A program is handed to the judge as soon as it has ended, while others still grow, and the judge goes on while they are scored.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import curriculum
from core.engine import Ranks
from core.options import StepCoderOptions
from core.policy import Policy
from core.prompt import PREFILL, extract_program, prompt_ids
from core.rollout import Rollout
from core.sampler import Sampler
from sandbox.pool import Job, Pool
from sandbox.problem import Problem, Program
from sandbox.verdict import ProgramResult

WHOLE: tuple[int, ...] = (0,)  # the one stage of a problem that shows nothing of its solution

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """A problem to train on. Made once a run; drawn again and again."""

    problem: Problem
    prompt: tuple[int, ...]  # token ids, without any of the solution
    cuts: tuple[int, ...]  # where the shown part of the solution ends, a stage each


@dataclass(frozen=True, slots=True)
class Attempt:
    """A rollout on a task. Made by `roll_out`; read by the judge, the update and the record."""

    task: Task
    stage: int
    prompt: tuple[int, ...]  # token ids, the shown part of the solution included
    shown: str  # that part
    rollout: Rollout
    text: str  # of the completion
    program: str  # as judged: the shown part, and what the completion made of it


class Judging:
    """A step's programs with the judge: handed over one by one, their results collected while other work goes on."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.results: dict[int, ProgramResult] = {}

    def submit(self, index: int, problem: Problem, program: str, sample: int) -> None:
        self.pool.submit(Job(index, problem, Program(problem.problem_id, program, sample)))
        self.keep_going()

    def keep_going(self) -> None:
        """Takes what is judged, so that the workers get the next programs; does not wait."""
        self._collect(0)

    def finish(self) -> list[ProgramResult]:
        """All results, by index."""
        while self.pool.pending:
            self._collect(None)
        return [self.results[index] for index in range(len(self.results))]

    def _collect(self, timeout_s: float | None) -> None:
        self.results |= {job.index: result for job, result in self.pool.collect(timeout_s)}


def tasks_of(problems: Sequence[Problem], policy: Policy, options: StepCoderOptions) -> list[Task]:
    """The problems whose prompt and whole solution fit: with and without a curriculum the same. Others are counted in the log.

    A solution that is missing, or does not parse, has the one stage 0.
    """
    tasks, unread = [], 0
    for problem in problems:
        solution, cuts = problem.canonical_solution, WHOLE
        if options.curriculum.enabled:
            try:
                cuts = curriculum.cuts(solution, options.curriculum.kinds)
            except ValueError:
                unread += 1
        prompt = tuple(prompt_ids(problem, policy.tokenizer))
        if len(prompt) + len(policy.tokenizer(solution, add_special_tokens=False).input_ids) <= options.max_prompt_tokens:
            tasks.append(Task(problem, prompt, cuts))
    if unread:
        log.warning("%d of %d solutions do not parse: no curriculum for these problems", unread, len(problems))
    if len(tasks) < len(problems):
        longer = "%d of %d problems left out: prompt and solution over %d tokens"
        log.warning(longer, len(problems) - len(tasks), len(problems), options.max_prompt_tokens)
    return tasks


def shown_part(task: Task, stage: int, ends: str) -> str:
    """What a prompt shows of the solution; `ends` is the option `prefix_ends` of the curriculum."""
    part = curriculum.prefix(task.problem.canonical_solution, task.cuts, stage)
    return part.rstrip() if ends == "line" else part


def roll_out(
    sampler: Sampler,
    tokenizer: Any,
    drawn: Sequence[tuple[Task, int]],
    judging: Judging,
    options: StepCoderOptions,
    seed: int,
    ranks: Ranks,
) -> list[Attempt]:
    """Rollouts of the drawn (task, stage), those of a task together; by now all are with the judge, by their index.

    `drawn` are this rank's of all: every `world`-th.
    """
    n = options.rollouts_per_problem
    shown = [shown_part(task, stage, options.curriculum.prefix_ends) for task, stage in drawn]
    prompts = [
        (*task.prompt, *tokenizer(part, add_special_tokens=False).input_ids) for (task, _), part in zip(drawn, shown, strict=True)
    ]
    made: dict[int, Attempt] = {}

    def hand_over(row: int, rollout: Rollout) -> None:
        (task, stage), part = drawn[row // n], shown[row // n]
        text = tokenizer.decode(rollout.token_ids, skip_special_tokens=True)
        made[row] = Attempt(task, stage, prompts[row // n], part, rollout, text, extract_program(PREFILL + part + text))
        judging.submit(row, task.problem, made[row].program, row % n)

    sampling = options.temperature, options.top_p, options.max_new_tokens
    sampler.sample(prompts, n, *sampling, seed, hand_over, ranks.rank, ranks.world)
    return [made[row] for row in range(len(drawn) * n)]
