"""What does an array on Slurm cost, and does judging on more nodes go faster?

    python -m benchmarks.array_scaling                  brings up a Slurm of four nodes on this machine; a quarter of an hour
    python -m benchmarks.array_scaling --rounds 1 --tasks 100 --programs 16 --shards 4 --sizes 1x4,2x8
    python -m benchmarks.array_scaling --nodes 200 --slots 64 --evaluate 1000000 --program-s 0.5

1. The same programs are judged as an array on 1, 2 and 4 nodes with room for one task each: the starter set's own solutions,
   which compute, and programs that sleep for two seconds. All nodes share this machine's cores, which bound what computes; what
   sleeps shows the scheduling alone. Times are from the submission to the last task's end; orders take turns by round.
2. An array is submitted that would start in an hour, and cancelled: wall and CPU seconds, and those of the controller.
3. What judge arrays of two sizes leave: files and bytes by kind. And what a task takes to pass over programs that others judge.
4. From these figures, what judging many programs on a large cluster would cost: with a task a core-hour of one worker, and with
   a task a node whose workers are as many as its slots. The seconds that a program takes are assumed, not measured.

Ends with one line of JSON: `speedup` of each kind of work by nodes, `submission`, `files`, `figures` and `evaluation`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.parts.array_cost import Cost, Figures, census, cost, table, tasks_of
from benchmarks.parts.array_runs import WORK, computing, judge_run, judged_in, sizes, submission
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import write_problems, write_programs
from sandbox.shards import PART_PROGRAMS, judge_shard
from slurm import minicluster
from slurm.cluster_files import MAX_ARRAY_SIZE

NODES = (1, 2, 4)
TASK_S = 3600.0  # of a task of one worker
ONCE = ("run", "scripts", "parts")  # not a matter of a task
PASSED = (2_000, 10_000)  # programs to pass over


def scaling(folder: Path, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Of each kind of work, by number of nodes: seconds, and how many times as fast as one (medians of the rounds' ratios)."""
    took: dict[str, dict[int, list[float]]] = {work: {nodes: [] for nodes in NODES} for work in WORK}
    names = [f"n{i + 1}" for i in range(max(NODES))]
    for number in range(options.rounds):
        shift = number % len(NODES)
        for nodes in NODES[shift:] + NODES[:shift]:
            for work in WORK:
                run = judge_run(folder / f"{work}-{nodes}-{number}", work, options.shards, options.programs)
                took[work][nodes].append(judged_in(run, nodes, names))
                print(f"round {number + 1}  {work:10}  nodes {nodes}{took[work][nodes][-1]:10.2f} s", flush=True)
    found = {}
    for work, by_nodes in took.items():
        ratios = {n: [one / more for one, more in zip(by_nodes[1], by_nodes[n], strict=True)] for n in NODES}
        found[work] = {
            "seconds": {str(n): round(median(by_nodes[n]), 2) for n in NODES},
            "speedup": {str(n): round(median(ratios[n]), 3) for n in NODES},
        }
        told = "   ".join(f"{n} nodes {median(each):.2f} ({min(each):.2f} to {max(each):.2f})" for n, each in ratios.items())
        print(f"{work}: times as fast as one node: {told}")
    return found


def submissions(folder: Path, conf: Path, tasks: int, rounds: int) -> dict[str, float]:
    """Medians."""
    rows = [asdict(submission(folder / f"later-{tasks}-{number}", tasks, conf)) for number in range(rounds)]
    found = {name: round(median(row[name] for row in rows), 3) for name in rows[0]}
    print(f"submission of {tasks} tasks: " + "   ".join(f"{name} {value}" for name, value in found.items()), flush=True)
    return found


def left_by(folder: Path, shards: int, each: int) -> dict[str, tuple[int, int]]:
    """Kind → (files, bytes) of a judge array on all nodes."""
    run = judge_run(folder / f"files-{shards}x{each}", "computing", shards, shards * each)
    judged_in(run, max(NODES), [])
    found = census(sizes(run.path))
    print(f"{shards} tasks of {each} programs leave")
    for kind, (files, held) in sorted(found.items()):
        print(f"  {kind:10}{files:6} files{held:10} bytes")
    return found


def reading_s(folder: Path) -> float:
    """Seconds a program that a task takes to pass over programs of other shards: that of a shard without any."""
    spans = []
    for count in PASSED:
        problems, programs = computing(count)
        write_problems(folder / f"pass-{count}.jsonl", problems)
        write_programs(folder / f"pass-{count}", "0", programs)
        started = time.process_time()
        given = JudgeOptions(Limits())
        judge_shard(folder / f"pass-{count}.jsonl", folder / f"pass-{count}", folder / f"passed-{count}", given, count, count + 1)
        spans.append(time.process_time() - started)
    return (spans[1] - spans[0]) / (PASSED[1] - PASSED[0])


def figures_of(left: list[tuple[int, int, dict[str, tuple[int, int]]]], submitted: dict[str, float], passing_s: float) -> Figures:
    """left: (tasks, programs a task, census) of two sizes, the larger last."""
    tasks, each, found = left[-1]
    own = {kind: counted for kind, counted in found.items() if kind not in ONCE}
    return Figures(
        files_a_task=sum(files for files, _ in own.values()) / tasks,
        log_files_a_task=sum(found[kind][0] for kind in ("logs", "pickles")) / tasks,
        bytes_a_task=sum(held for _, held in own.values()) / tasks,
        bytes_a_program=found["parts"][1] / (tasks * each),
        submit_s_a_task=submitted["wall_s"] / submitted["tasks"],
        controller_s_a_task=submitted["controller_s"] / submitted["tasks"],
        reading_s_a_program=passing_s,
        part_programs=PART_PROGRAMS,
        most_tasks=MAX_ARRAY_SIZE - 1,
    )


def evaluations(figures: Figures, options: argparse.Namespace) -> dict[str, Cost]:
    """A task a core-hour, and a task a node."""
    programs, each_s, places = options.evaluate, options.program_s, (options.nodes, options.slots)
    hourly = tasks_of(programs, each_s, 1, TASK_S, options.nodes, 1)
    wide = tasks_of(programs, each_s, options.slots, TASK_S, *places)
    return {
        "a task a core-hour": cost(figures, programs, hourly, 1, each_s),
        f"a task a node of {options.slots}": cost(figures, programs, wide, options.slots, each_s),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.array_scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="of each measurement (default 3)")
    parser.add_argument("--shards", type=int, default=4, metavar="N", help="tasks of the judge arrays (default 4)")
    parser.add_argument("--programs", type=int, default=40, metavar="N", help="judged by each array (default 40)")
    parser.add_argument("--tasks", type=int, default=1000, metavar="N", help="of the array that is submitted (default 1000)")
    parser.add_argument("--sizes", default="2x40,4x160", metavar="AxB,AxB", help="tasks x programs whose files are counted")
    parser.add_argument("--evaluate", type=int, default=10_000_000, metavar="P", help="programs of the evaluation (default 10M)")
    parser.add_argument("--nodes", type=int, default=1000, metavar="N", help="of the cluster for it (default 1000)")
    parser.add_argument("--slots", type=int, default=32, metavar="N", help="programs that a node judges at once (default 32)")
    parser.add_argument("--program-s", type=float, default=1.44, metavar="S", help="core seconds of a program (default 1.44)")
    options = parser.parse_args(arguments)
    pairs = [(int(a), int(b)) for a, _, b in (pair.partition("x") for pair in options.sizes.split(","))]
    if min(options.rounds, options.shards, options.programs, options.tasks, options.evaluate, options.nodes, options.slots) < 1:
        parser.error("all numbers must be at least 1")
    if missing := minicluster.missing_packages():
        parser.error(f"needs the system packages {' '.join(missing)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ |= minicluster.up(folder / "c", max(NODES))
        try:
            faster = scaling(folder, options)
            conf = folder / "c" / "slurm.conf"
            submitted = submissions(folder, conf, options.tasks, options.rounds) | {"tasks": options.tasks}
            left = [(shards, each, left_by(folder, shards, each)) for shards, each in pairs]
        finally:
            minicluster.down(folder / "c")
        passing_s = reading_s(folder)
    figures = figures_of(left, submitted, passing_s)
    print(f"passing over a program of another task: {passing_s * 1e6:.0f} µs")
    evaluation = evaluations(figures, options)
    print(f"{options.evaluate:,} programs of {options.program_s} core seconds on {options.nodes:,} nodes\n{table(evaluation)}")
    files = {f"{shards}x{each}": counted for shards, each, counted in left}
    cores = len(os.sched_getaffinity(0))
    told = {"scaling": faster, "submission": submitted, "files": files, "figures": asdict(figures), "cores": cores}
    print(json.dumps(told | {"evaluation": {name: asdict(each) for name, each in evaluation.items()}}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
