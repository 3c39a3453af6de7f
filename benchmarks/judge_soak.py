"""Does the judge leave anything behind, or lose a row, in a long run with hostile programs in it?

    python -m benchmarks.judge_soak                 20,000 programs
    python -m benchmarks.judge_soak --runs 500      a quick look

Judges one shard of trivial programs, right and wrong ones by turns, in which each 20th is hostile: it spins, eats memory, forks,
leaves files, floods its output, exits early, crashes, starts threads without end, leaves an orphan, or kills what it can reach.
`benchmarks/parts/hostile.py` has them, with the verdicts that are right. Every --check-every programs a line tells what there is
of processes, open files, mounts and memory; afterwards it is compared with what there was before. Hostile files bear a name by
which they are found.

Ends with one line of JSON, and with exit status 1 where rows are missing, a verdict is not the expected one, or anything is left:
a process, an open file, a mount, a file. Memory that has grown is told, and decides nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.convert import write_rows
from benchmarks.parts.hostile import HARMLESS, HOSTILE, kind_of, source_of
from benchmarks.parts.traces import Traces, die_with_keeper, files_left, keep, settled, traces
from results.parts import iter_rows
from sandbox.interpreter import NotFoundError
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, write_problems
from sandbox.shards import JudgeFailingError, judge_shard

LIMITS = Limits(cpu_s=0.4, wall_s=10.0, memory_mib=128)  # of 100,000 programs, 3 to 12 memory hogs used up 0.2 s when busy
WARM_UP = 40  # programs judged before the first look: what a first run alone leaves, such as multiprocessing's helper, is no leak
PROBLEM = Problem("add", "", "stdin", inputs=("3 4\n",), outputs=("7\n",))
SHOWN = 20  # wrong verdicts, and things left, that are named


class Watch:
    """Looks at the traces each `every` programs of a run, and prints a line of them."""

    def __init__(self, every: int) -> None:
        self.every, self.seen, self.started = every, list[Traces](), time.monotonic()

    def progress(self, done: int, total: int) -> None:
        if done and (done % self.every == 0 or done == total):
            now = traces()
            self.seen.append(now)
            rate = done / (time.monotonic() - self.started)
            row = (f"{done}/{total}", f"{rate:.1f}", now.processes, now.own_fds, now.worker_fds, len(now.mounts))
            print_row(*row, f"{now.own_mib:.0f}", f"{now.worker_mib:.0f}")


def print_row(*cells: object) -> None:
    print(f"{cells[0]!s:>16}" + "".join(f"{cell!s:>12}" for cell in cells[1:]), flush=True)


def judge_run(work: Path, name: str, runs: int, every: int, workers: int, token: str, watch: Watch | None) -> Path:
    """Judges `runs` programs, each `every`-th of them hostile; the folder of the verdicts."""
    problems, programs, out = work / "problems.jsonl", work / f"{name}.jsonl", work / f"verdicts-{name}"
    write_problems(problems, [PROBLEM])
    rows: list[dict[str, Any]] = []
    for number in range(runs):
        kind = kind_of(number, every)
        rows.append({"problem_id": PROBLEM.problem_id, "sample": number, "author": kind.name, "program": source_of(kind, token)})
    write_rows(programs, rows)
    progress = watch.progress if watch else lambda done, total: None
    judge_shard(problems, programs, out, JudgeOptions(LIMITS, trace=False), workers=workers, progress=progress)
    return out


def checked_rows(out: Path, runs: int) -> tuple[int, int, list[str]]:
    """(rows of programs, of tests, what was not expected): each program once, with a verdict that is right for it."""
    right = {kind.name: kind.verdicts for kind in (*HARMLESS, *HOSTILE)}
    counted, wrong = Counter[int](), list[str]()
    for row in iter_rows(out / "programs", ["sample", "author", "verdict"]):
        counted[row["sample"]] += 1
        if row["verdict"] not in right[row["author"]]:
            wrong.append(f"{row['author']}, program {row['sample']}: {row['verdict']}, not {' or '.join(right[row['author']])}")
    wrong += [f"program {number}: {counted[number]} rows" for number in range(runs) if counted[number] > 1]
    return sum(counted.values()), sum(1 for _ in iter_rows(out / "tests", ["test"])), wrong


def unexpected_files(out: Path) -> list[str]:
    """What lies in a folder of verdicts beside the parts and the note of how they were made."""
    known = {out / "judge.json", out / "tests", out / "programs"}
    known |= {part for folder in ("tests", "programs") for part in (out / folder).glob("part-*.parquet")}
    return sorted(str(path) for path in out.rglob("*") if path not in known)


def soaked(work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The figures of a whole run; prints what is wrong by name."""
    token, own = f"soak-{secrets.token_hex(8)}", work / "tmp"
    own.mkdir()
    tempfile.tempdir = os.environ["TMPDIR"] = str(own)
    every = round(1 / options.hostile)
    judge_run(work, "warm-up", WARM_UP, 4, options.workers, token, None)
    before = settled(2)  # this process and multiprocessing's helper
    print_row("programs", "a second", "processes", "our fds", "worker fds", "mounts", "our MiB", "worker MiB")
    watch = Watch(options.check_every)
    out = judge_run(work, "soak", options.runs, every, options.workers, token, watch)
    seconds = time.monotonic() - watch.started
    after = settled(before.processes)
    rows, test_rows, wrong = checked_rows(out, options.runs)
    files = files_left(token, own) + unexpected_files(out)
    mounts = sorted(set(after.mounts) - set(before.mounts))
    for title, names in (("unexpected verdict", wrong), ("file left", files), ("mount left", mounts)):
        print("".join(f"{title}: {name}\n" for name in names[:SHOWN]), end="")
    first, last = watch.seen[0], watch.seen[-1]
    return {
        "runs": options.runs,
        "rows": rows,
        "test_rows": test_rows,
        "unexpected_verdicts": len(wrong),
        "processes_left": max(0, after.processes - before.processes),
        "fds_left": max(0, after.own_fds - before.own_fds),
        "mounts_left": len(mounts),
        "files_left": len(files),
        "worker_fds_growth": last.worker_fds - first.worker_fds,
        "driver_rss_growth_mib": round(after.own_mib - before.own_mib, 1),
        "worker_rss_growth_mib": round(last.worker_mib - first.worker_mib, 1),
        "runs_per_s": round(options.runs / seconds, 2),
    }


def is_clean(figures: dict[str, Any]) -> bool:
    """Whether every row is there and right, and nothing was left. A worker's open files may differ by those of one test."""
    nothing = ("unexpected_verdicts", "processes_left", "fds_left", "mounts_left", "files_left")
    all_there = figures["rows"] == figures["test_rows"] == figures["runs"]
    return all_there and not any(figures[key] for key in nothing) and figures["worker_fds_growth"] <= 16


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.judge_soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=20_000, metavar="N", help="programs to judge (default 20000)")
    parser.add_argument(
        "--hostile", type=float, default=0.05, metavar="SHARE", help="hostile share: one in 1/SHARE (default 0.05)"
    )
    parser.add_argument("--check-every", type=int, default=2_000, metavar="N", help="programs between two looks (default 2000)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="(default: cores)")
    parser.add_argument("--kept", action="store_true", help=argparse.SUPPRESS)  # said by the process above, which reaps
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser.parse_args(arguments)
    if min(options.runs, options.check_every, options.workers) < 1 or not 0 < options.hostile <= 1:
        parser.error("--runs, --check-every and --workers must be at least 1, and --hostile above 0 and at most 1")
    if not options.kept:
        return keep([sys.executable, "-m", "benchmarks.judge_soak", *arguments, "--kept"])
    die_with_keeper()
    try:
        with tempfile.TemporaryDirectory() as folder:
            figures = soaked(Path(folder), options)
    except NotFoundError as error:
        parser.error(str(error))
    except JudgeFailingError as error:
        print(f"the judge fails: {error}", file=sys.stderr)
        return 1
    clean = is_clean(figures)
    print(json.dumps(figures | {"workers": options.workers, "python": sys.version.split()[0], "clean": clean}))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
