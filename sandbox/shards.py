"""Judges one shard of a file of programs into Parquet parts: what an array task runs.

Program i belongs to shard i mod N. A shard is written in chunks: the rows of the tests first, then the rows of the
programs, which say that the chunk is whole. A killed shard, run again, does the chunks that are missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from results import schema
from results.parts import write_part
from sandbox import asserts
from sandbox.judge import Judge, JudgeOptions
from sandbox.pool import Job, judge_all
from sandbox.problem import InputError, Problem, Program, read_problems, read_programs
from sandbox.verdict import ProgramResult, Verdict

PART_PROGRAMS = 512  # programs of a part: few files, and little to judge again after a kill
JUDGE_ERRORS_BEARABLE = 0.01  # of the programs so far; beyond it the node is at fault, and the shard stops


class JudgeFailingError(RuntimeError):
    """Too many programs got `judge_error`: this node cannot judge."""


@dataclass(frozen=True, slots=True)
class ShardSummary:
    """What a shard came to, whole parts of earlier tries included."""

    programs: int
    judged_now: int
    seconds: float
    verdicts: dict[str, int]


def judge_shard(
    problems: Path,
    programs: Path,
    out: Path,
    options: JudgeOptions,
    shard: int = 0,
    shards: int = 1,
    workers: int = 1,
    author: str | None = None,
    part_programs: int = PART_PROGRAMS,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ShardSummary:
    """Judges every program of this shard against every test of its problem; writes `out/tests` and `out/programs`.

    All input is read through once before anything is judged or written. Raises InputError (bad input),
    NotFoundError (nsjail or an interpreter is missing), JudgeFailingError.
    """
    started = time.monotonic()
    if part_programs < 1:
        raise ValueError(f"{part_programs} programs a part: at least 1")
    if not 0 <= shard < shards:
        raise ValueError(f"shard {shard} of {shards}: a shard's number goes from 0 to {shards - 1}")
    by_id = {problem.problem_id: problem for problem in read_problems(problems)}
    _check_tests(problems, by_id)
    total = sum(1 for i, _ in enumerate(read_programs(programs, author, by_id)) if i % shards == shard)
    with Judge(options) as judge:  # finds out now whether this node can judge, and settles on one interpreter
        options = replace(options, nsjail=str(judge.nsjail), python=str(judge.interpreter.executable))
        version = ".".join(map(str, judge.interpreter.version))
        packages = {package.name: package.version for package in judge.packages}
    _claim(
        out,
        {
            "problems": _fingerprint(problems),
            "programs": _fingerprint(programs),
            "shards": shards,
            "part_programs": part_programs,
            "limits": asdict(options.limits),
            "stop_at_first_failure": options.stop_at_first_failure,
            "python": version,
            "packages": packages,
        },
    )

    mine = ((i, p) for i, p in enumerate(read_programs(programs, author)) if i % shards == shard)
    chunks = [_Chunk(out, f"{shard:05d}-of-{shards:05d}-{n:06d}", n) for n in range(-(-total // part_programs))]
    verdicts = Counter[str]()
    whole = {chunk.number for chunk in chunks if chunk.is_whole()}
    for number in whole:
        verdicts.update(chunks[number].verdicts())
    done = sum(verdicts.values())
    progress(done, total)

    def jobs() -> Iterator[Job]:
        for place, (row, program) in enumerate(mine):
            chunk = chunks[place // part_programs]
            if chunk.number not in whole:
                chunk.expect(place, row, program)
                yield Job(place, by_id[program.problem_id], program)

    judged_now = 0
    for place, result in judge_all(jobs(), options, max(1, min(workers, total - done))):
        chunk = chunks[place // part_programs]
        chunk.results[place] = result
        verdicts[result.verdict] += 1
        judged_now += 1
        if len(chunk.results) == min(part_programs, total - chunk.number * part_programs):
            chunk.write(by_id)
        progress(done + judged_now, total)
        _check_health(verdicts, result)
    return ShardSummary(total, judged_now, time.monotonic() - started, dict(verdicts))


def _check_tests(file: Path, problems: dict[str, Problem]) -> None:
    for problem in problems.values():
        if problem.mode == "assert":
            try:
                asserts.split(problem)
            except ValueError as error:
                raise InputError(file, None, str(error)) from error


class _Chunk:
    """Up to `part_programs` consecutive programs of a shard, and their part."""

    def __init__(self, out: Path, name: str, number: int) -> None:
        self.out, self.name, self.number = out, name, number
        self.programs: dict[int, tuple[int, Program]] = {}
        self.results: dict[int, ProgramResult] = {}

    def _part(self) -> Path:
        return self.out / "programs" / f"part-{self.name}.parquet"

    def is_whole(self) -> bool:
        return self._part().exists()

    def verdicts(self) -> list[str]:
        return list(pq.read_table(self._part(), columns=["verdict"])["verdict"].to_pylist())

    def expect(self, place: int, row: int, program: Program) -> None:
        self.programs[place] = (row, program)

    def write(self, by_id: dict[str, Problem]) -> None:
        """Writes both parts and forgets the rows."""
        tests: list[dict[str, Any]] = []
        rows: list[dict[str, Any]] = []
        for place in sorted(self.programs):
            row, program = self.programs[place]
            result = self.results[place]
            key = {"program_row": row, "problem_id": program.problem_id, "author": program.author, "sample": program.sample}
            tests += [key | asdict(test) | {"verdict": str(test.verdict)} for test in result.tests]
            rows.append(key | _program_row(program, by_id[program.problem_id], result))
        write_part(self.out / "tests", self.name, pa.Table.from_pylist(tests, schema=schema.TESTS))
        write_part(self.out / "programs", self.name, pa.Table.from_pylist(rows, schema=schema.PROGRAMS))
        self.programs.clear()
        self.results.clear()


def _program_row(program: Program, problem: Problem, result: ProgramResult) -> dict[str, Any]:
    return {
        "split": program.split,
        "difficulty": problem.difficulty,
        "verdict": str(result.verdict),
        "tests_passed": result.tests_passed,
        "tests_run": len(result.tests),
        "tests_total": result.tests_total,
        "wall_s": sum(test.wall_s for test in result.tests),
        "cpu_s": sum(test.cpu_s for test in result.tests),
        "memory_mib": max((test.memory_mib for test in result.tests), default=0.0),
        "statements": [list(span) for span in result.statements],
        "logprob_sum": program.logprob_sum,
        "token_count": program.token_count,
        "extra": json.dumps(program.extra) if program.extra else None,
    }


def _claim(out: Path, claim: dict[str, Any]) -> None:
    """Notes in `out/judge.json` what is judged here, and how; refuses a folder of other verdicts, such as another Python's."""
    file = out / "judge.json"
    if not file.exists():
        out.mkdir(parents=True, exist_ok=True)
        beside = out / f"_judge.json.{os.uname().nodename}.{os.getpid()}"
        beside.write_text(json.dumps(claim, indent=1))
        beside.rename(file)
    held = json.loads(file.read_text())
    differing = [key for key in claim if held.get(key) != claim[key]]
    if differing:
        raise InputError(
            out, None, f"holds verdicts of another run: other {', '.join(differing)}; name another folder, or remove it"
        )


def _fingerprint(path: Path) -> str:
    """Of the contents of a file, or of a folder's files."""
    digest = hashlib.sha256()
    for file in sorted(p for p in path.iterdir() if p.name[0] not in "_.") if path.is_dir() else [path]:
        digest.update(file.name.encode() + b"\0")
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:16]


def _check_health(verdicts: Counter[str], last: ProgramResult) -> None:
    failed, judged = verdicts[Verdict.JUDGE_ERROR], sum(verdicts.values())
    if last.verdict is Verdict.JUDGE_ERROR and failed > max(3, JUDGE_ERRORS_BEARABLE * judged):
        raise JudgeFailingError(
            f"{failed} of {judged} programs could not be judged on this node; the last: {last.tests[0].message}"
        )
