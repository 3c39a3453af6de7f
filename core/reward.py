"""From what the judge says of a program to its reward: pure functions (StepCoder, arXiv 2402.01391, Eq. 3, and peers).

All schemes want every test to have been judged: where judging stopped at the first failure, the worst verdict and the number
of tests passed are only those of the tests that were run.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.verdict import ProgramResult, Verdict

# Eq. 3; the worst verdict first. A program that met a limit was stopped while running: a runtime error.
LEVELS = {
    Verdict.COMPILE_ERROR: -1.0,
    Verdict.RUNTIME_ERROR: -0.6,
    Verdict.TIME_LIMIT: -0.6,
    Verdict.MEMORY_LIMIT: -0.6,
    Verdict.OUTPUT_LIMIT: -0.6,
    Verdict.WRONG_ANSWER: -0.3,
    Verdict.PASS: 1.0,
}

SCHEMES = {
    "stepcoder": "the four levels of Eq. 3",
    "coderl": "CodeRL's four levels (arXiv 2207.01780), the same numbers: Eq. 3 took them over",
    "rltf": "RLTF's adaptive feedback (arXiv 2307.04349): the same levels, but −0.3 + 1.3·passed/total for failed tests",
    "pass_fraction": "passed/total, in [0, 1]: 0 also for a program that does not compile, which passes no test",
}


def check(scheme: str) -> None:
    """ValueError names the scheme and the valid ones."""
    if scheme not in SCHEMES:
        raise ValueError(f"reward scheme {scheme!r} is not one of {', '.join(SCHEMES)}")


def worst(verdicts: Iterable[str]) -> Verdict:
    """The worst of a program's verdicts over its tests: compile error < runtime error, limits < wrong answer < pass.

    The first of those that are equally bad. `judge_error` where one is, or where there are no tests: nothing is known then.
    Unlike `ProgramResult.verdict`, which is that of the first test that is not a pass.
    `verdicts`: of `TestResult`s, or the words in the column `verdict` of `tests/`. ValueError: another word.
    """
    found = [Verdict(verdict) for verdict in verdicts]
    if not found or Verdict.JUDGE_ERROR in found:
        return Verdict.JUDGE_ERROR
    return min(found, key=LEVELS.__getitem__)


def reward(verdict: str, passed: int, total: int, scheme: str = "stepcoder") -> float | None:
    """r of a program; None where the judge failed: no reward at all, the rollout is to be dropped and counted.

    `verdict`: the `worst` over its tests, `passed` of `total` of which are a pass. `scheme`: a key of `SCHEMES`.
    ValueError: an unknown scheme or verdict, or counts that contradict each other or the verdict.
    """
    check(scheme)
    verdict = Verdict(verdict)
    if verdict is Verdict.JUDGE_ERROR:
        return None
    if not 0 <= passed <= total or total < 1 or (verdict is Verdict.PASS) != (passed == total):
        raise ValueError(f"{passed} of {total} tests passed cannot be with the verdict {verdict}")
    if scheme == "pass_fraction":
        return passed / total
    if scheme == "rltf" and verdict is Verdict.WRONG_ANSWER:
        return -0.3 + 1.3 * passed / total
    return LEVELS[verdict]


def program_reward(result: ProgramResult, scheme: str = "stepcoder") -> float | None:
    """r of a judged program, by the worst verdict over its tests; None where the judge failed at any of them."""
    return reward(worst(test.verdict for test in result.tests), result.tests_passed, result.tests_total, scheme)
