"""Judges on all cores: a process per worker, one program at a time each, killed workers replaced."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Self

from sandbox.judge import ATTEMPTS, Judge, JudgeOptions
from sandbox.problem import Problem, Program
from sandbox.verdict import ProgramResult, TestResult, Verdict

_SPAWN = multiprocessing.get_context("spawn")  # a fork would copy Arrow's threads' locks
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Job:
    """One program to judge. `index` names it in the answers, which come in any order."""

    index: int
    problem: Problem
    program: Program


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    core: int | None  # the one it may run on; None: any
    problem: Problem | None = None  # the last that went to it: some are megabytes
    job: Job | None = None


class Pool:
    """Workers that judge what is submitted while the caller does other work. A context manager, for one thread.

    A worker that dies (kill -9, out of memory) is replaced and its program judged again, at most ATTEMPTS times.
    """

    def __init__(self, options: JudgeOptions, workers: int) -> None:
        self._options = options
        self._waiting: deque[Job] = deque()
        self._attempts: dict[int, int] = {}
        cores = sorted(os.sched_getaffinity(0))
        # All that a worker's jail does, it does in turn: on one core it finds its caches warm, and wakes no other core.
        pinned = workers >= len(cores)
        self._staff = [_hire(options, cores[i % len(cores)] if pinned else None) for i in range(workers)]

    @property
    def free(self) -> int:
        """How many more programs would be begun at once."""
        return sum(worker.job is None for worker in self._staff) - len(self._waiting)

    @property
    def pending(self) -> int:
        """Programs that were submitted and not collected yet."""
        return sum(worker.job is not None for worker in self._staff) + len(self._waiting)

    def submit(self, job: Job) -> None:
        """Judges the program as soon as a worker is free and `collect` is called, or now."""
        self._waiting.append(job)
        self._hand_out()

    def collect(self, timeout_s: float | None = None) -> list[tuple[Job, ProgramResult]]:
        """What has been judged; waits for the first such, at most `timeout_s` (None: as long as it takes).

        Raises what stopped a judge: ValueError for a broken problem, RuntimeError where a component is missing.
        """
        done: list[tuple[Job, ProgramResult]] = []
        while self.pending and not done:
            busy = [worker.pipe for worker in self._staff if worker.job is not None]
            ready = wait(busy, timeout_s)
            if not ready:
                break
            for place, worker in enumerate(self._staff):
                if worker.job is not None and worker.pipe in ready:
                    done += self._result(place, worker, worker.job)
            self._hand_out()
        return done

    def _hand_out(self) -> None:
        for worker in self._staff:
            if worker.job is None and self._waiting:
                worker.job = self._waiting.popleft()
                _hand_over(worker)

    def _result(self, place: int, worker: _Worker, job: Job) -> list[tuple[Job, ProgramResult]]:
        """The job with its result; nothing where it has to be judged again."""
        try:
            result = worker.pipe.recv()
            worker.job = None
        except (EOFError, OSError):
            worker.process.join()
            worker.pipe.close()
            self._staff[place] = _hire(self._options, worker.core)
            self._attempts[job.index] = self._attempts.get(job.index, 0) + 1
            if self._attempts[job.index] < ATTEMPTS:
                self._waiting.appendleft(job)
                return []
            result = _lost(worker.process.exitcode)
        if isinstance(result, Exception):
            raise result
        self._attempts.pop(job.index, None)
        return [(job, result)]

    def close(self) -> None:
        """Ends the workers, and their jails with them."""
        for worker in self._staff:
            worker.process.kill()
        for worker in self._staff:
            worker.process.join()
            worker.pipe.close()
        self._staff = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def judge_all(jobs: Iterable[Job], options: JudgeOptions, workers: int) -> Iterator[tuple[int, ProgramResult]]:
    """(index, result) of every job, as they come. Takes a job only when a worker is free for it."""
    todo = iter(jobs)
    with Pool(options, workers) as pool:
        while True:
            while pool.free and (job := next(todo, None)) is not None:
                pool.submit(job)
            if not pool.pending:
                return
            for done, result in pool.collect():
                yield done.index, result


def _hire(options: JudgeOptions, core: int | None) -> _Worker:
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_work, args=(theirs, options, core), name="judge", daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours, core)


def _hand_over(worker: _Worker) -> None:
    assert worker.job is not None
    problem, program = worker.job.problem, worker.job.program
    with suppress(OSError):  # it has died: its pipe reads as ended, and the job goes to its successor
        worker.pipe.send((None if problem is worker.problem else problem, program))
        worker.problem = problem


def _lost(exitcode: int | None) -> ProgramResult:
    message = f"the judge's worker died {ATTEMPTS} times on this program (exit code {exitcode})"
    return ProgramResult(Verdict.JUDGE_ERROR, (TestResult(0, Verdict.JUDGE_ERROR, message=message),), 1)


def _work(pipe: Connection, options: JudgeOptions, core: int | None) -> None:
    """A worker's life: judge what comes until the pipe ends. It dies with its parent, and its jails with it."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    if core is not None:
        os.sched_setaffinity(0, {core})
    problem: Problem | None = None
    with Judge(options) as judge:
        while True:
            try:
                another, program = pipe.recv()
            except EOFError:
                return
            problem = problem if another is None else another
            assert problem is not None  # the first program comes with one
            try:
                pipe.send(judge.judge(problem, program))
            except (ValueError, RuntimeError) as error:  # a broken problem, a missing component: the run must hear of it
                pipe.send(error)
