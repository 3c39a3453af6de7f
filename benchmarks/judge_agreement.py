"""Does the judge agree with what is known?

Real model programs against their published verdicts, and canonical solutions, which must all pass:

    python -m benchmarks.judge_agreement                    everything (some four minutes on two cores)
    python -m benchmarks.judge_agreement --only teachers    humaneval, mbpp, unified or teachers
    python -m benchmarks.judge_agreement --every 20         each twentieth program

Ends with one line of JSON: programs, agreements, programs a second, pass@1 of each author.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from benchmarks.convert import DATA, convert, sources, stem, write_rows
from core.datasets import load_problems
from results.parts import iter_rows, read_parts
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import read_rows, write_problems
from sandbox.shards import judge_shard

GROUPS = ("humaneval", "mbpp", "unified", "teachers")


@dataclass(frozen=True, slots=True)
class Corpus:
    """Problems, and programs whose verdicts are known: `published` in a row, else all must pass."""

    name: str
    problems: Path
    programs: Path


def corpora(data: Path, work: Path, only: str | None) -> Iterator[Corpus]:
    """Everything that lies under `data`, converted into `work`; HumanEval comes with its package."""
    humaneval = work / "humaneval.jsonl.gz"
    write_problems(humaneval, load_problems("humaneval", None))
    if only in (None, "humaneval"):
        rows = [{"problem_id": p.problem_id, "program": p.canonical_solution} for p in load_problems("humaneval", None)]
        write_rows(work / "humaneval-canonical.jsonl.gz", rows)
        yield Corpus("humaneval", humaneval, work / "humaneval-canonical.jsonl.gz")
    for kind, source in sources(data):
        if only not in (None, kind):
            continue
        for file in sorted(source.iterdir()) if source.is_dir() else [source]:
            name = stem(file)
            out, solved = work / f"{name}.jsonl.gz", work / f"{name}-canonical.jsonl.gz"
            convert(kind, file, out, None if kind == "teachers" else solved)
            yield Corpus(name, humaneval, out) if kind == "teachers" else Corpus(name, out, solved)


def thinned(programs: Path, every: int) -> Path:
    """Each `every`-th program, in a file beside."""
    if every == 1:
        return programs
    few = programs.with_name(f"few-{programs.name}")
    write_rows(few, [row for i, (_, _, row) in enumerate(read_rows(programs)) if i % every == 0])
    return few


def judged(corpus: Corpus, out: Path, every: int, workers: int) -> dict[str, float | int]:
    """Judges a corpus and prints each program on which the judge and the known verdict differ."""
    started = time.monotonic()
    summary = judge_shard(corpus.problems, thinned(corpus.programs, every), out, JudgeOptions(Limits()), workers=workers)
    seconds = time.monotonic() - started
    agreeing = 0
    for row in iter_rows(out / "programs", ["problem_id", "author", "sample", "verdict", "extra"]):
        known = json.loads(row["extra"] or "{}").get("published", "pass")
        agreeing += (row["verdict"] == "pass") == (known == "pass")
        if (row["verdict"] == "pass") != (known == "pass"):
            print(f"  {row['author']} {row['problem_id']} sample {row['sample']}: known {known}, judged {row['verdict']}")
    share = pc.mean(pc.equal(read_parts(out / "programs", ["verdict"])["verdict"], "pass")).as_py()
    print(f"{corpus.name}: {agreeing} of {summary.programs} agree, {summary.programs / seconds:.1f} programs/s", flush=True)
    return {
        "programs": summary.programs,
        "agree": agreeing,
        "passed": round(share, 4),
        "programs_per_s": round(summary.programs / seconds, 2),
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judge_agreement", description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help=f"where the data sets lie (default {DATA})")
    parser.add_argument("--only", choices=GROUPS, help="one group of programs")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="each N-th program (default 1: all)")
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)), metavar="N")
    options = parser.parse_args(arguments)
    if missing := sorted({"mbpp", "unified", "teachers"} - dict(sources(options.data)).keys()):
        print(f"not under {options.data}, and so not judged: {', '.join(missing)}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        figures = {
            corpus.name: judged(corpus, work / f"verdicts-{corpus.name}", options.every, options.workers)
            for corpus in corpora(options.data, work, options.only)
        }
    total = {key: sum(figure[key] for figure in figures.values()) for key in ("programs", "agree")}
    print(json.dumps(total | {"python": sys.version.split()[0], "corpora": figures}))
    return 0 if total["programs"] == total["agree"] else 1


if __name__ == "__main__":
    sys.exit(main())
