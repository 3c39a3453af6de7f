"""What generated tasks are made of: clauses, with their words, their code and, apart from the code, their meaning.

A task is one loop over a list of integers `xs` and a block of clauses for each x. The statement has a line for each clause and
a dash more for each level of nesting; the solution has a statement for each clause, in the same order:

    f(xs) returns a list out, empty at first. For each x of xs:    def f(xs):
                                                                       out = []
                                                                       for x in xs:
    - when x is even:                                                      if x % 2 == 0:
    -- append x                                                                out.append(x)
                                                                       return out
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

# kind of result → the statement's first line, and the solution's first
RESULTS = {
    "out": ("f(xs) returns a list out, empty at first. For each x of xs:", "out = []"),
    "total": ("f(xs) returns a number total, 0 at first. For each x of xs:", "total = 0"),
}

COUNTED = ("condition", "loop", "repeat")  # sorts of parts whose code is an if, for or while statement
LARGEST = 9  # of the constants; the least is 2, so that one less is still a divisor


@dataclass(frozen=True, slots=True)
class Part:
    """What a clause may be: words for the statement, code for the solution, and its meaning for the evaluator.

    `meaning` takes x, the result so far and the constant c; a condition gives its truth, an action or
    loop the new x, or the new result where it has one, a repeat how many times.
    """

    sort: str  # condition, action, loop, repeat or exit
    words: str
    code: str
    meaning: Callable[[int, Any, int], Any] = lambda x, got, c: None
    result: str = ""  # the one kind of result that it reads or sets; empty: it knows x alone

    @property
    def has_constant(self) -> bool:
        return "{c}" in self.words


def _divided(value: int, limit: int, divisor: int) -> int:
    while value > limit:
        value //= divisor
    return value


PARTS = (
    Part("condition", "x is above {c}", "x > {c}", lambda x, got, c: x > c),
    Part("condition", "x is below {c}", "x < {c}", lambda x, got, c: x < c),
    Part("condition", "x is {c}", "x == {c}", lambda x, got, c: x == c),
    Part("condition", "x is even", "x % 2 == 0", lambda x, got, c: x % 2 == 0),
    Part("condition", "x is odd", "x % 2 == 1", lambda x, got, c: x % 2 == 1),
    Part("condition", "x is negative", "x < 0", lambda x, got, c: x < 0),
    Part("condition", "x is a multiple of {c}", "x % {c} == 0", lambda x, got, c: x % c == 0),
    Part("condition", "out has over {c} items", "len(out) > {c}", lambda x, got, c: len(got) > c, result="out"),
    Part("condition", "total is above {c}", "total > {c}", lambda x, got, c: got > c, result="total"),
    Part("action", "add {c} to x", "x += {c}", lambda x, got, c: x + c),
    Part("action", "subtract {c} from x", "x -= {c}", lambda x, got, c: x - c),
    Part("action", "multiply x by {c}", "x *= {c}", lambda x, got, c: x * c),
    Part("action", "take x modulo {c}", "x %= {c}", lambda x, got, c: x % c),
    Part("action", "negate x", "x = -x", lambda x, got, c: -x),
    Part("action", "halve x", "x //= 2", lambda x, got, c: x // 2),
    Part("action", "append x", "out.append(x)", lambda x, got, c: [*got, x], result="out"),
    Part("action", "append {c}", "out.append({c})", lambda x, got, c: [*got, c], result="out"),
    Part("action", "add x to total", "total += x", lambda x, got, c: got + x, result="total"),
    Part("action", "subtract x from total", "total -= x", lambda x, got, c: got - x, result="total"),
    Part("action", "add {c} to total", "total += {c}", lambda x, got, c: got + c, result="total"),
    Part("loop", "while x is above {c}: halve x", "while x > {c}:\n    x //= 2", lambda x, got, c: _divided(x, c, 2)),
    Part("loop", "while x is above {c}: divide x by 3", "while x > {c}:\n    x //= 3", lambda x, got, c: _divided(x, c, 3)),
    Part(
        "loop",
        "while out has under {c} items: append x",
        "while len(out) < {c}:\n    out.append(x)",
        lambda x, got, c: got + [x] * (c - len(got)),
        result="out",
    ),
    Part(
        "loop",
        "while total is above {c}: halve total",
        "while total > {c}:\n    total //= 2",
        lambda x, got, c: _divided(got, c, 2),
        result="total",
    ),
    Part("repeat", "repeat {c} times", "for _ in range({c})", lambda x, got, c: c),
    Part("exit", "skip x", "continue"),
    Part("exit", "stop", "break"),
)

# How some authors read the same words: "above 3" with 3 itself, "repeat 3 times" as once and three times more.
LOOSE = {
    part.words: part
    for part in (
        Part("condition", "x is above {c}", "x >= {c}", lambda x, got, c: x >= c),
        Part("condition", "x is below {c}", "x <= {c}", lambda x, got, c: x <= c),
        Part("condition", "out has over {c} items", "len(out) >= {c}", lambda x, got, c: len(got) >= c, result="out"),
        Part("condition", "total is above {c}", "total >= {c}", lambda x, got, c: got >= c, result="total"),
        Part("loop", "while x is above {c}: halve x", "while x >= {c}:\n    x //= 2", lambda x, got, c: _divided(x, c - 1, 2)),
        Part(
            "loop", "while x is above {c}: divide x by 3", "while x >= {c}:\n    x //= 3", lambda x, got, c: _divided(x, c - 1, 3)
        ),
        Part(
            "loop",
            "while out has under {c} items: append x",
            "while len(out) <= {c}:\n    out.append(x)",
            lambda x, got, c: got + [x] * (c + 1 - len(got)),
            result="out",
        ),
        Part(
            "loop",
            "while total is above {c}: halve total",
            "while total >= {c}:\n    total //= 2",
            lambda x, got, c: _divided(got, c - 1, 2),
            result="total",
        ),
        Part("repeat", "repeat {c} times", "for _ in range(1 + {c})", lambda x, got, c: 1 + c),
    )
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A part with its constant; of a condition or repeat also the clauses under it."""

    part: Part
    constant: int = 0
    body: tuple[Clause, ...] = ()
    otherwise: tuple[Clause, ...] = ()


Block = tuple[Clause, ...]


def statement(result: str, block: Block) -> str:
    """The words of a task; `result` is one of `RESULTS`."""
    return "\n".join([RESULTS[result][0], *_worded(block, "-")])


def _worded(block: Block, dashes: str) -> Iterator[str]:
    for clause in block:
        words = clause.part.words.format(c=clause.constant)
        if not clause.body:
            yield f"{dashes} {words}"
            continue
        yield f"{dashes} {'when ' * (clause.part.sort == 'condition')}{words}:"
        yield from _worded(clause.body, dashes + "-")
        if clause.otherwise:
            yield f"{dashes} otherwise:"
            yield from _worded(clause.otherwise, dashes + "-")


def solution(result: str, block: Block) -> str:
    """The Python function `f` that the statement asks for."""
    start = f"def f(xs):\n    {RESULTS[result][1]}\n    for x in xs:"
    return "\n".join([start, *_coded(block, "        "), f"    return {result}"]) + "\n"


def _coded(block: Block, indent: str) -> Iterator[str]:
    for clause in block:
        code = clause.part.code.format(c=clause.constant)
        if not clause.body:
            yield from (indent + line for line in code.split("\n"))
            continue
        yield f"{indent}{'if ' * (clause.part.sort == 'condition')}{code}:"
        yield from _coded(clause.body, indent + "    ")
        if clause.otherwise:
            yield f"{indent}else:"
            yield from _coded(clause.otherwise, indent + "    ")


def evaluate(result: str, block: Block, xs: list[int]) -> Any:
    """What the task's function returns for `xs`, by the meaning of its clauses; no code is run."""
    got: Any = [] if result == "out" else 0
    for x in xs:
        _, got, left = _run(block, x, got)
        if left == "stop":
            break
    return got


def _run(block: Block, x: int, got: Any) -> tuple[int, Any, str]:
    """x and the result after a block, and the words of the exit that left it, if one did."""
    for clause in block:
        part, left = clause.part, ""
        if part.sort == "exit":
            return x, got, part.words
        if part.sort == "condition":
            x, got, left = _run(clause.body if part.meaning(x, got, clause.constant) else clause.otherwise, x, got)
        elif part.sort == "repeat":
            for _ in range(part.meaning(x, got, clause.constant)):
                x, got, left = _run(clause.body, x, got)
                if left:
                    break
        elif not part.result:
            x = part.meaning(x, got, clause.constant)
        else:
            got = part.meaning(x, got, clause.constant)
        if left:
            return x, got, left
    return x, got, ""


def parts_of(sort: str, result: str) -> list[Part]:
    """The parts of a sort that can stand in a task with this kind of result."""
    return [part for part in PARTS if part.sort == sort and part.result in ("", result)]


def conditionals(block: Block) -> int:
    """The if, for and while statements that the block adds to those of its solution."""
    return sum((c.part.sort in COUNTED) + conditionals(c.body) + conditionals(c.otherwise) for c in block)


def read_loosely(block: Block, share: float, rng: random.Random) -> Block:
    """The block with this share of its clauses that can be read in two ways read the other way; its words stay the same."""
    return tuple(
        replace(
            clause,
            part=LOOSE[clause.part.words] if clause.part.words in LOOSE and rng.random() < share else clause.part,
            body=read_loosely(clause.body, share, rng),
            otherwise=read_loosely(clause.otherwise, share, rng),
        )
        for clause in block
    )


def variants(result: str, block: Block) -> Iterator[Block]:
    """Every block with one clause dropped or changed.

    Dropped: a clause with all that is under it, a condition or repeat that lets go of its body, an `otherwise`. Changed: the
    constant by one, or the part for each other of its sort.
    """
    for place, clause in enumerate(block):
        before, after = block[:place], block[place + 1 :]
        yield before + after
        if clause.body:
            yield before + clause.body + after
        for changed in _changed(result, clause):
            yield (*before, changed, *after)


def _changed(result: str, clause: Clause) -> Iterator[Clause]:
    if clause.part.has_constant:
        yield replace(clause, constant=clause.constant - 1)
        yield replace(clause, constant=clause.constant + 1)
    for part in parts_of(clause.part.sort, result):
        if part is not clause.part:
            yield replace(clause, part=part, constant=clause.constant or LARGEST // 2)
    if clause.otherwise:
        yield replace(clause, otherwise=())
    for body in variants(result, clause.body):
        yield replace(clause, body=body)
    for otherwise in variants(result, clause.otherwise):
        yield replace(clause, otherwise=otherwise)
