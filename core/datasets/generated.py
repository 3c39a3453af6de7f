"""A generated family of tasks: one loop over a list of integers, made of parts that a tiny model can learn.

A task's tier hangs on E, the if, for and while statements of its solution (the conditional statements of StepCoder's
curriculum, arXiv 2402.01391): introductory 1, interview 2 to 4, competition 5 or 6. That makes 1, 2 and 3 stages, ⌈√E⌉.

A composition is a statement with its numbers left out: which parts, in which order and nesting, for which kind of result.
A digest of the composition decides the split, whatever the seed: no task of test has the composition of one of train.
Tests are drawn until they tell the task from every variant with one clause dropped or changed (`variants`).
"""

from __future__ import annotations

import hashlib
import random
import re
from collections import Counter
from collections.abc import Mapping

from core.datasets.clauses import LARGEST, Block, Clause, Part, evaluate, parts_of, read_loosely, solution, statement, variants
from sandbox.problem import SPLITS, Problem

CONDITIONALS = {"introductory": (1,), "interview": (2, 3, 4), "competition": (5, 6)}  # tier → E
DEFAULT_COUNTS = {"introductory": 100, "interview": 100, "competition": 100}
TESTS = 12  # of each task
PATIENCE = 3000  # tasks drawn without finding one that will do; of the hardest tier about one in a hundred does
DRAWS = 60  # lists looked at for a task's tests
DEEPEST = 3  # conditions within conditions
ACTION_BETWEEN, OTHERWISE, EXIT = 0.2, 0.25, 0.2  # shares: an action before a clause, `otherwise`, an exit as a condition's body
FORM = "generated, or generated:TIER-COUNT:…:loose-PERCENT:seed-N with the tiers " + ", ".join(CONDITIONALS)


def problems_named(name: str, split: str | None) -> list[Problem]:
    """The problems of `generated:TIER-COUNT:…:seed-N`, as in `generated:interview-200:competition-100:seed-1`.

    A tier that is not named has none; `generated` alone has `DEFAULT_COUNTS`; the seed is 0 where it is not given.
    The counts are those of each split; `split` None gives train and test. `loose-70` reads 70 % of the clauses that people
    read in two ways the loose way ("above 3" with 3 itself), in solutions and tests alike; without it none.
    ValueError says what form is valid.
    """
    values: dict[str, int] = {}
    for setting in name.split(":")[1:]:
        key, _, value = setting.partition("-")
        if key not in (*CONDITIONALS, "loose", "seed") or key in values or not re.fullmatch(r"[0-9]+", value):
            raise ValueError(f"data set {name!r}: {setting!r} is not valid; the form is {FORM}, each once, and whole numbers")
        values[key] = int(value)
    seed, loose = values.pop("seed", 0), values.pop("loose", 0)
    if loose > 100:
        raise ValueError(f"data set {name!r}: loose-{loose} is more than 100 percent")
    counts = values or DEFAULT_COUNTS
    if split is not None and split not in SPLITS:
        raise ValueError(f"split {split!r} of data set {name!r} is not one of {', '.join(SPLITS)}, or null for all")
    return [problem for each in (SPLITS if split is None else (split,)) for problem in problems(each, counts, seed, loose / 100)]


def problems(split: str, counts: Mapping[str, int], seed: int, loose: float = 0.0) -> list[Problem]:
    """`counts[tier]` problems of each tier, no composition twice; the tiers are spread evenly over the list.

    The same arguments give the same problems, a larger count the same ones and more. A problem_id names one problem
    whatever the seed. `loose` is the share of clauses with two readings that are read loosely. ValueError: an unknown
    tier or split, a count below 0, or more problems than a tier has.
    """
    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not one of {', '.join(SPLITS)}")
    made: list[tuple[float, Problem]] = []
    for tier, count in counts.items():
        if tier not in CONDITIONALS or count < 0:
            raise ValueError(f"{count} problems of tier {tier!r}: tiers are {', '.join(CONDITIONALS)}, and counts 0 or more")
        made += [((place + 0.5) / count, problem) for place, problem in enumerate(_of_tier(split, tier, count, seed, loose))]
    return [problem for _, problem in sorted(made, key=lambda item: item[0])]


def _of_tier(split: str, tier: str, count: int, seed: int, loose: float) -> list[Problem]:
    rng = random.Random(f"{seed} {split} {tier}")
    reading = random.Random(f"{seed} {split} {tier} loose")
    seen: set[str] = set()
    made: list[Problem] = []
    tried = 0  # since the last one was found
    while len(made) < count:
        if tried == PATIENCE:
            raise ValueError(f"{count} problems of tier {tier!r}, split {split!r}: only {len(made)} were found; ask for fewer")
        tried += 1
        result, block = draw(rng, CONDITIONALS[tier][len(made) % len(CONDITIONALS[tier])])
        key = composition(statement(result, block))
        if key in seen or split_of(key) != split:
            continue
        block = read_loosely(block, loose, reading)
        if inputs := telling_inputs(result, block):
            seen.add(key)
            made.append(_problem(split, tier, result, block, inputs))
            tried = 0
    return made


def _problem(split: str, tier: str, result: str, block: Block, inputs: list[list[int]]) -> Problem:
    code = solution(result, block)
    return Problem(
        problem_id=f"generated/{split}/{tier}/{hashlib.sha256(code.encode()).hexdigest()[:12]}",
        question=statement(result, block),
        mode="call",
        difficulty=tier,
        starter_code="def f(xs):\n",
        entry_point="f",
        inputs=tuple([xs] for xs in inputs),
        outputs=tuple(evaluate(result, block, xs) for xs in inputs),
        canonical_solution=code,
        source="stepbatch generated",
    )


def composition(question: str) -> str:
    """The statement with its numbers left out."""
    return re.sub(r"\d+", "#", question)


def split_of(key: str) -> str:
    """The split that a composition belongs to: a quarter of them are test."""
    return "train" if hashlib.sha256(key.encode()).digest()[0] % 4 else "test"


def draw(rng: random.Random, count: int) -> tuple[str, Block]:
    """A kind of result and a block whose solution has `count` if, for and while statements, the loop over xs included.

    Its last clause puts x into the result, so that what is done to x before has a consequence.
    """
    result = rng.choice(("out", "total"))
    last = Clause(rng.choice([part for part in parts_of("action", result) if part.result and "x" in part.words.split()]))
    if count == 1:
        return result, (*(_action(rng, result) for _ in range(rng.randint(1, 3))), last)
    return result, (*_block(rng, result, count - 1, depth=1), last)


def _block(rng: random.Random, result: str, count: int, depth: int) -> Block:
    """Clauses with `count` conditional statements among them."""
    clauses: list[Clause] = []
    while count:
        if rng.random() < ACTION_BETWEEN:
            clauses.append(_action(rng, result))
        sort = rng.choices(("condition", "loop", "repeat"), (6, 1, 1))[0]
        inside = rng.randint(0, count - 1) if sort == "condition" and depth < DEEPEST else 0
        clauses.append(_clause(rng, result, sort, inside, depth))
        count -= 1 + inside
    return tuple(clauses)


def _clause(rng: random.Random, result: str, sort: str, inside: int, depth: int) -> Clause:
    part = rng.choice(parts_of(sort, result))
    constant = _constant(rng, part)
    if sort == "loop":
        return Clause(part, constant)
    if sort == "repeat":
        return Clause(part, rng.randint(2, 4), (_action(rng, result),))
    if inside:
        return Clause(part, constant, _block(rng, result, inside, depth + 1))
    if rng.random() < EXIT:
        return Clause(part, constant, (Clause(rng.choice(parts_of("exit", result))),))
    otherwise = (_action(rng, result),) if rng.random() < OTHERWISE else ()
    return Clause(part, constant, (_action(rng, result),), otherwise)


def _action(rng: random.Random, result: str) -> Clause:
    part = rng.choice(parts_of("action", result))
    return Clause(part, _constant(rng, part))


def _constant(rng: random.Random, part: Part) -> int:
    return rng.randint(2, LARGEST) if part.has_constant else 0


def telling_inputs(result: str, block: Block) -> list[list[int]] | None:
    """`TESTS` different lists that tell the block from all its variants, edge cases first; None where none are found.

    None also where one output stands for more than a third of the tests, so that a constant program passes few.
    """
    rng = random.Random(solution(result, block))
    edges = [[], [rng.randint(-9, -1)], [rng.randint(100, 999) for _ in range(3)], [rng.randint(-999, 999) for _ in range(9)]]
    drawn = edges + [[rng.randint(-9, 15) for _ in range(rng.randint(2, 9))] for _ in range(DRAWS)]
    drawn = [xs for i, xs in enumerate(drawn) if xs not in drawn[:i]]
    outputs = [evaluate(result, block, xs) for xs in drawn]
    kept = list(range(len(edges)))
    for variant in variants(result, block):
        telling = (i for i in (*kept, *range(len(drawn))) if evaluate(result, variant, drawn[i]) != outputs[i])
        first = next(telling, None)
        if first is None:
            return None
        if first not in kept:
            kept.append(first)
    kept += [i for i in range(len(drawn)) if i not in kept][: max(0, TESTS - len(kept))]
    commonest = Counter(str(outputs[i]) for i in kept).most_common(1)[0][1]
    return [drawn[i] for i in kept] if len(kept) == TESTS and commonest <= TESTS // 3 else None
