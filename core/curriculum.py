"""CCCS, the curriculum of code completion subtasks (StepCoder, arXiv 2402.01391): pure functions.

At stage c > 0 the prompt shows the start of the canonical solution, at stage 0 none of it. A problem begins at its last stage
and goes down by one whenever its moving pass rate is above a threshold.
"""

from __future__ import annotations

import ast
import math
import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

KINDS: dict[str, tuple[type[ast.AST], ...]] = {
    "if": (ast.If,),  # an elif is an If of its own in the tree
    "for": (ast.For, ast.AsyncFor),
    "while": (ast.While,),
    "match": (ast.Match,),
    "ternary": (ast.IfExp,),
    "comprehension": (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
}
DEFAULT_KINDS = ("if", "for", "while", "match")
FALLS = ("one", "all")

BLANKS = " \t\f"  # all that Python takes for indentation: one byte a character, so that ast's byte columns count characters
LINE_END = re.compile(r"\r\n|\r|\n")  # of Python's grammar; str.splitlines knows more of them

Place = tuple[int, int]  # line from 1, column in UTF-8 bytes from 0, as ast gives them


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a problem stands in its curriculum. Made by `start` and `advance`; kept in checkpoints by the training loop."""

    stage: int  # c, from the number of stages − 1 down to 0
    rate: float  # ρ in [0, 1], the moving average of pass rates since this stage began

    def __post_init__(self) -> None:
        if self.stage < 0:
            raise ValueError(f"curriculum stage {self.stage} is less than 0")
        _check_rate("rate", self.rate)


def check(alpha: float, threshold: float, kinds: Sequence[str] = DEFAULT_KINDS, falls: str = "one") -> None:
    """ValueError names the option, its value and what is valid."""
    if not 0 < alpha <= 1:
        raise ValueError(f"curriculum alpha {alpha} is not above 0 and up to 1")
    if not 0 <= threshold < 1:
        raise ValueError(f"curriculum threshold {threshold} is not from 0 to below 1, which a pass rate can exceed")
    if falls not in FALLS:
        raise ValueError(f"curriculum falls {falls!r} is not one of {', '.join(FALLS)}")
    if not kinds:
        raise ValueError(f"curriculum kinds are empty; choose of {', '.join(KINDS)}")
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"curriculum kind {kind!r} is not one of {', '.join(KINDS)}")


def cuts(solution: str, kinds: Sequence[str] = DEFAULT_KINDS) -> tuple[int, ...]:
    """Where the shown part of the canonical solution ends at each stage: character offsets, rising, [number of stages].

    With e the conditional statements by their start and E = len(e): n = ⌈√E⌉ stages, stride s = ⌈E/n⌉; the stage 0 shows
    nothing, the stage c > 0 all before e[s·c], its indentation included. E = 0 and E = 1 have the stage 0 only.
    `kinds`: which nodes are conditional, keys of `KINDS`. A ternary or a comprehension counts as the statement that holds it;
    what shares its place with another one counts once.
    ValueError: an unknown kind, or a solution that does not parse.
    """
    places = _conditionals(_parsed(solution), solution, kinds)
    count = len(places)
    if count == 0:
        return (0,)
    stages = math.isqrt(count - 1) + 1  # ⌈√E⌉ in integers
    stride = -(-count // stages)
    line_starts = [0, *(end.end() for end in LINE_END.finditer(solution))]
    shown = [places[stride * stage] for stage in range(1, stages)]
    return (0, *(line_starts[line - 1] + column for line, column in shown))


def prefix(solution: str, cuts: Sequence[int], stage: int) -> str:
    """The part of `solution` that the prompt shows at `stage`; `cuts` are those of the solution. ValueError: no such stage."""
    if not 0 <= stage < len(cuts):
        raise ValueError(f"curriculum stage {stage} is not one of 0 to {len(cuts) - 1}")
    return solution[: cuts[stage]]


def start(stages: int) -> Progress:
    """A problem's progress before its first rollout, for `stages` = len(cuts): the stage that shows most."""
    return Progress(stages - 1, 0.0)


def advance(progress: Progress, pass_rate: float, alpha: float, threshold: float, falls: str = "one") -> Progress:
    """The progress after one more group of rollouts: ρ ← α·r₁ + (1−α)·ρ; where ρ > ρ_t: ρ ← 0, c ← c−1.

    `falls`: all: c ← 0 there. The paper prints c ← min(c−1, 0), which ends below the stages; max is meant, or this.
    `pass_rate`: r₁, the share of the group's judged rollouts that pass all tests, in [0, 1].
    At stage 0 nothing is left to advance to: the stage stays and ρ goes on as a moving average, never set back to 0.
    """
    _check_rate("pass_rate", pass_rate)
    rate = alpha * pass_rate + (1 - alpha) * progress.rate
    if rate > threshold and progress.stage > 0:
        return Progress(progress.stage - 1 if falls == "one" else 0, 0.0)
    return Progress(progress.stage, rate)


def state(progresses: Mapping[str, Progress]) -> dict[str, list[float]]:
    """problem_id → [stage, rate], for a checkpoint; JSON keeps it exactly."""
    return {problem_id: [progress.stage, progress.rate] for problem_id, progress in progresses.items()}


def restored(state: Mapping[str, Sequence[float]]) -> dict[str, Progress]:
    """The inverse of `state`. ValueError: what no progress can be."""
    return {problem_id: Progress(int(stage), float(rate)) for problem_id, (stage, rate) in state.items()}


def _check_rate(name: str, rate: float) -> None:
    if not 0 <= rate <= 1:
        raise ValueError(f"curriculum {name} {rate} is not between 0 and 1")


def _parsed(solution: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those of "\d"
            return ast.parse(solution)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deep for the parser
        raise ValueError(f"the canonical solution does not parse: {type(error).__name__}: {error}") from error


def _conditionals(tree: ast.Module, solution: str, kinds: Sequence[str]) -> list[Place]:
    """e: where the statements that are conditional, or hold what is, start; in order, each place once.

    Before a compound statement its line holds only blanks: the grammar allows none behind `;` or `:`. A simple statement
    (with a ternary or comprehension in it) may stand there; it counts as the last statement before it that starts a line.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"curriculum kind {unknown[0]!r} is not one of {', '.join(KINDS)}")
    wanted = tuple(node for kind in kinds for node in KINDS[kind])
    lines = LINE_END.split(solution)
    held = [(node, _start(statement, lines)) for node, statement in _with_statements(tree)]
    first = sorted({(line, column) for _, (line, column) in held if not lines[line - 1][:column].strip(BLANKS)})
    return sorted({first[bisect_right(first, place) - 1] for node, place in held if isinstance(node, wanted)})


def _with_statements(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.stmt]]:
    """(node, the innermost statement that holds it) of every node below `tree`; a statement holds itself."""
    waiting: list[tuple[ast.AST, ast.stmt]] = [(statement, statement) for statement in tree.body]
    while waiting:
        node, statement = waiting.pop()
        yield node, statement
        waiting += [(child, child if isinstance(child, ast.stmt) else statement) for child in ast.iter_child_nodes(node)]


def _start(statement: ast.stmt, lines: Sequence[str]) -> Place:
    """Where `statement` starts, its decorators included: ast's own position is that of `def` or `class`."""
    decorators = getattr(statement, "decorator_list", [])
    if not decorators:
        return statement.lineno, statement.col_offset
    line = decorators[0].lineno
    while not lines[line - 1].lstrip(BLANKS).startswith("@"):  # above the expression, where a parenthesis opens between
        line -= 1
    return line, len(lines[line - 1]) - len(lines[line - 1].lstrip(BLANKS))
