"""Our judge behind the interface of a corpus of adversarial programs: `judge(path, problem, mode) -> dict`.

For the runner of a corpus of hostile programs that is no part of this repository: `--judge tests.sandbox.conform_judge:judge`
"""

import atexit
import codecs
import functools
import io
import tokenize
from pathlib import Path
from typing import Any

from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.verdict import Verdict

VERDICTS = {
    Verdict.PASS: "pass",
    Verdict.WRONG_ANSWER: "wrong",
    Verdict.RUNTIME_ERROR: "runtime_error",
    Verdict.TIME_LIMIT: "timeout",
    Verdict.MEMORY_LIMIT: "memory",
    Verdict.OUTPUT_LIMIT: "output_limit",
    Verdict.COMPILE_ERROR: "compile_error",
    Verdict.JUDGE_ERROR: "judge_error",
}

# Codecs of a coding line that are a plain table, so that none of a stranger's bytes can keep this process busy.
TABLES = ("utf-8", "ascii", "iso8859", "cp125", "koi8", "mac-")


def judge(path: str, problem: dict[str, Any], mode: str) -> dict[str, Any]:
    """The verdict on the program in the file `path`, a row for each test, and the lines that ran in any of them."""
    result = _judge(**_limits(problem["limits"])).judge(_problem(problem, mode), Program("corpus", source_text(path)))
    return {
        "verdict": VERDICTS[result.verdict],
        "tests": [
            {
                "verdict": VERDICTS[test.verdict],
                "stdout": test.output_head,
                "stderr": test.message,
                "exit_status": test.exit_status,
                "signal": test.signal,
            }
            for test in result.tests
        ],
        # A trace is taken inside the program's process, which can always withhold lines: it is never called complete.
        "trace": {"lines": sorted({line for test in result.tests for line in test.executed_lines}), "complete": False},
    }


def source_text(path: str | Path) -> str:
    """A program's file as text, as the interpreter reads one: byte order mark, coding line, else UTF-8.

    What it would refuse to decode stays in as lone surrogates, which no interpreter compiles: the jail decides that.
    """
    data = Path(path).read_bytes()
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        if codecs.lookup(encoding).name.startswith(TABLES):
            return data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError):
        pass  # an unknown or a wrong coding line, or bytes outside it
    return data.decode("utf-8", "surrogateescape")


@functools.cache
def _judge(**limits: Any) -> Judge:
    """One judge for each set of limits, kept open until this process ends."""
    made = Judge(JudgeOptions(Limits(**limits)))
    atexit.register(made.close)
    return made


def _limits(given: dict[str, Any]) -> dict[str, Any]:
    return {
        "cpu_s": given["cpu_s"],
        "wall_s": given["wall_s"],
        "memory_mib": given["memory_mb"],
        "output_bytes": given["output_bytes"],
        "processes": given["pids"],
        "open_files": given["nofile"],
        "scratch_mib": given["disk_mb"],
    }


def _problem(given: dict[str, Any], mode: str) -> Problem:
    if given.get("class_name") not in (None, "Solution"):
        raise ValueError(f"problem {given['name']!r}: class_name {given['class_name']!r} is neither null nor 'Solution'")
    return Problem(
        problem_id=given["name"],
        question=given["statement"],
        mode=mode,
        entry_point=given.get("fn_name"),
        inputs=tuple(given["inputs"]),
        outputs=tuple(given["outputs"]),
        **_compare(given["compare"]),
    )


def _compare(rule: dict[str, Any]) -> dict[str, Any]:
    """The corpus' rule in our words; exact lines and exact JSON values are what a problem asks for by default."""
    if rule["type"] == "float":
        return {"compare": "numbers", "tolerance": rule["abs"]}
    return {}
