"""Judges on all cores: a process per worker, one program at a time each, killed workers replaced."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

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


def judge_all(jobs: Iterable[Job], options: JudgeOptions, workers: int) -> Iterator[tuple[int, ProgramResult]]:
    """(index, result) of every job, as they come. Takes a job only when a worker is free for it.

    A worker that dies (kill -9, out of memory) is replaced and its program judged again, at most ATTEMPTS times.
    """
    todo, again = iter(jobs), list[Job]()
    attempts: dict[int, int] = {}
    cores = sorted(os.sched_getaffinity(0))
    # All that a worker's jail does, it does in turn: on one core it finds its caches warm, and wakes no other core.
    staff = [_hire(options, cores[i % len(cores)] if workers >= len(cores) else None) for i in range(workers)]
    try:
        while True:
            for worker in staff:
                if worker.job is None:
                    worker.job = again.pop() if again else next(todo, None)
                    if worker.job is not None:
                        _hand_over(worker)
            busy = [worker for worker in staff if worker.job is not None]
            if not busy:
                return
            ready = wait([worker.pipe for worker in busy])
            for place, worker in enumerate(staff):
                if worker.pipe not in ready or worker.job is None:
                    continue
                job = worker.job
                try:
                    result = worker.pipe.recv()
                    worker.job = None
                except (EOFError, OSError):
                    worker.process.join()
                    worker.pipe.close()
                    staff[place] = _hire(options, worker.core)
                    attempts[job.index] = attempts.get(job.index, 0) + 1
                    if attempts[job.index] < ATTEMPTS:
                        again.append(job)
                        continue
                    result = _lost(worker.process.exitcode)
                if isinstance(result, Exception):
                    raise result
                attempts.pop(job.index, None)
                yield job.index, result
    finally:
        for worker in staff:
            worker.process.kill()
        for worker in staff:
            worker.process.join()
            worker.pipe.close()


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
