import ast
import hashlib
import json
import math
import random
from collections import Counter
from dataclasses import asdict

import pytest

from core.datasets import absolute, generated, load_problems
from core.datasets.clauses import (
    LOOSE,
    PARTS,
    RESULTS,
    Clause,
    conditionals,
    evaluate,
    parts_of,
    read_loosely,
    solution,
    statement,
    variants,
)
from core.datasets.generated import CONDITIONALS, TESTS, composition, draw, problems, telling_inputs
from core.prompt import messages_for
from results.schema import DIFFICULTIES
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Program
from sandbox.verdict import Verdict

COUNTS = {"introductory": 15, "interview": 15, "competition": 15}
MADE = {split: problems(split, COUNTS, 0) for split in ("train", "test")}
ALL = MADE["train"] + MADE["test"]


def part(words: str):
    return next(p for p in PARTS if p.words == words)


def tasks(count: int, seed: int):
    """(kind of result, block, its inputs) of some tasks with `count` conditional statements."""
    rng = random.Random(seed)
    drawn = (draw(rng, count) for _ in range(400))
    return [(result, block, inputs) for result, block in drawn if (inputs := telling_inputs(result, block))][:4]


def returned(code: str, xs: list[int]):
    names: dict = {}
    exec(code, names)
    return names["f"](list(xs))


# What a task by hand looks like, and what it means.
TASK = (
    Clause(
        part("x is even"), 0, (Clause(part("append x")),), (Clause(part("repeat {c} times"), 2, (Clause(part("negate x")),)),)
    ),
    Clause(part("x is above {c}"), 5, (Clause(part("x is odd"), 0, (Clause(part("stop")),)),)),
    Clause(part("while x is above {c}: halve x"), 3),
    Clause(part("append x")),
)


def test_a_task_by_hand():
    assert statement("out", TASK) == (
        "f(xs) returns a list out, empty at first. For each x of xs:\n"
        "- when x is even:\n-- append x\n- otherwise:\n-- repeat 2 times:\n--- negate x\n"
        "- when x is above 5:\n-- when x is odd:\n--- stop\n"
        "- while x is above 3: halve x\n- append x"
    )
    code = solution("out", TASK)
    assert code.startswith(
        "def f(xs):\n    out = []\n    for x in xs:\n        if x % 2 == 0:\n            out.append(x)\n        else:\n"
    )
    assert evaluate("out", TASK, [8, 3, 7, 1]) == returned(code, [8, 3, 7, 1]) == [8, 2, 3]
    assert conditionals(TASK) == 5


def test_each_part_means_what_its_code_does():
    for result in RESULTS:
        shows = part("append x" if result == "out" else "add x to total")
        for sort in ("condition", "action", "loop", "repeat", "exit"):
            for each in parts_of(sort, result):
                body = (Clause(part("multiply x by {c}"), 3),) if sort in ("condition", "repeat") else ()
                block = (Clause(each, 4, body), Clause(shows))
                if sort == "exit":
                    block = (Clause(part("x is odd"), 0, block[:1]), Clause(shows))
                for xs in ([], [4], [-7, 0, 3, 4, 5, 8], [6, 7, -8, 100], list(range(-20, 20))):
                    assert evaluate(result, block, xs) == returned(solution(result, block), xs), (statement(result, block), xs)


def test_the_same_arguments_give_the_same_problems_anywhere():
    # A digest, so that another process, whose hashes of strings differ, is held to the same problems.
    text = json.dumps(
        [asdict(problem) for problem in problems("train", {"introductory": 2, "interview": 2, "competition": 1}, 7)]
    )
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "d3efb0fdad3914fe"
    assert problems("train", COUNTS, 0) == MADE["train"]
    assert problems("train", COUNTS, 1) != MADE["train"]


def test_a_larger_count_keeps_the_problems_of_a_smaller_one():
    few = problems("train", {"interview": 5}, 0)
    assert few == [problem for problem in MADE["train"] if problem.difficulty == "interview"][:5]


def test_no_composition_is_in_train_and_in_test_whatever_the_seed():
    other = problems("test", {"introductory": 40, "interview": 20}, 5)
    kept = {split: {composition(p.question) for p in made} for split, made in (MADE | {"test": MADE["test"] + other}).items()}
    assert not kept["train"] & kept["test"]
    assert all(len({composition(p.question) for p in made}) == len(made) for made in (*MADE.values(), other))


def test_composition_leaves_out_numbers_alone():
    assert composition("- when x is above 12:\n-- append 3") == composition("- when x is above 4:\n-- append 9")
    assert composition("- append 3") != composition("-- append 3") != composition("-- append x")


def test_tiers_are_by_the_conditional_statements_of_the_solution():
    assert tuple(CONDITIONALS) == DIFFICULTIES
    found = {tier: Counter() for tier in CONDITIONALS}
    for problem in ALL:
        nodes = ast.walk(ast.parse(problem.canonical_solution))
        found[problem.difficulty][sum(isinstance(node, (ast.If, ast.For, ast.While)) for node in nodes)] += 1
    assert {tier: tuple(sorted(counts)) for tier, counts in found.items()} == CONDITIONALS
    assert [{math.ceil(math.sqrt(e)) for e in counts} for counts in CONDITIONALS.values()] == [{1}, {2}, {3}]
    assert found["interview"] == {2: 10, 3: 10, 4: 10}
    assert {problem.difficulty for problem in MADE["train"][:6]} == set(DIFFICULTIES), "tiers are not spread over the list"


def test_solutions_give_the_expected_outputs_and_constant_programs_do_not():
    for problem in ALL:
        assert len(problem.inputs) == TESTS == len({str(xs) for xs in problem.inputs})
        assert [] in [xs for (xs,) in problem.inputs]
        assert any(max(xs, default=0) > 99 for (xs,) in problem.inputs)
        assert any(min(xs, default=0) < 0 for (xs,) in problem.inputs)
        for (xs,), output in zip(problem.inputs, problem.outputs, strict=True):
            assert returned(problem.canonical_solution, xs) == output
        assert Counter(map(str, problem.outputs)).most_common(1)[0][1] <= TESTS // 3


def test_variants_are_every_clause_dropped_and_changed():
    block = (Clause(part("x is {c}"), 4, (Clause(part("append x")),)),)
    made = {statement("out", variant).partition("\n")[2] for variant in variants("out", block)}
    assert {
        "",
        "- append x",
        "- when x is 3:\n-- append x",
        "- when x is 5:\n-- append x",
        "- when x is even:\n-- append x",
    } <= made
    assert {"- when x is 4:\n-- append 4", "- when x is 4:\n-- negate x"} <= made
    assert statement("out", block).partition("\n")[2] not in made


@pytest.mark.parametrize("count", [1, 3, 5])
def test_the_tests_tell_each_variant_from_the_task_by_running_both(count):
    """Of the solutions' own text: exec is a second opinion on what the evaluator chose the tests by."""
    assert tasks(count, 3)
    for result, block, inputs in tasks(count, 3):
        outputs = [returned(solution(result, block), xs) for xs in inputs]
        for variant in variants(result, block):
            if all(clause.body or clause.part.sort not in ("condition", "repeat") for clause in _clauses(variant)):
                code = solution(result, variant) if variant else f"def f(xs):\n    return {'[]' if result == 'out' else 0}\n"
                assert [returned(code, xs) for xs in inputs] != outputs, (statement(result, block), statement(result, variant))


def _clauses(block):
    for clause in block:
        yield clause
        yield from _clauses(clause.body)
        yield from _clauses(clause.otherwise)


def test_a_task_with_a_dead_clause_has_no_inputs():
    dead = (Clause(part("append {c}"), 4), Clause(part("negate x")))
    assert telling_inputs("out", dead) is None


def test_the_prompt_is_the_statement_alone():
    problem = ALL[0]
    assert messages_for(problem)[0]["content"] == f"Write a Python function `f`.\n\n{problem.question}"


@pytest.mark.parametrize("words", LOOSE)
def test_a_loose_reading_is_what_its_code_does_and_not_the_strict_one(words):
    result = LOOSE[words].result or "out"
    body = () if LOOSE[words].sort == "loop" else (Clause(part("add {c} to x"), 5),)
    block = (Clause(part(words), 4, body), Clause(part("append x" if result == "out" else "add x to total")))
    loose = read_loosely(block, 1.0, random.Random(0))
    assert statement(result, loose) == statement(result, block)
    inputs = [[], [4], [4, 3, 5], [-7, 0, 2, 4, 4, 9, 30, 4, 4]]
    for xs in inputs:
        assert evaluate(result, loose, xs) == returned(solution(result, loose), xs)
    assert read_loosely(block, 0.0, random.Random(0)) == block


def test_tasks_read_loosely_keep_their_words_and_their_own_tests():
    strict, loose = problems("train", {"interview": 30}, 3), problems("train", {"interview": 30}, 3, loose=1.0)
    by_words = {problem.question: problem for problem in strict}
    same_words = [(by_words[each.question], each) for each in loose if each.question in by_words]
    other = [(a, b) for a, b in same_words if a.canonical_solution != b.canonical_solution]
    assert len(other) > 5
    for a, b in other:
        assert all(returned(b.canonical_solution, *inputs) == output for inputs, output in zip(b.inputs, b.outputs, strict=True))
        assert any(returned(a.canonical_solution, *inputs) != output for inputs, output in zip(b.inputs, b.outputs, strict=True))
    some = problems("train", {"interview": 30}, 3, loose=0.5)
    assert 0 < sum(problem.canonical_solution in {p.canonical_solution for p in strict} for problem in some) < 30


def test_names():
    assert load_problems("generated:interview-5:loose-60:seed-2", "train") == problems("train", {"interview": 5}, 2, loose=0.6)
    assert load_problems("generated:introductory-15:interview-15:competition-15", "test") == MADE["test"]
    assert load_problems("generated:introductory-15:interview-15:competition-15:seed-0", None) == ALL
    assert [p.difficulty for p in load_problems("generated:interview-3:seed-4", "train")] == ["interview"] * 3
    assert absolute("generated:interview-3") == "generated:interview-3"


@pytest.mark.parametrize(
    "name",
    [
        "generated:",
        "generated:easy-3",
        "generated:interview",
        "generated:interview--3",
        "generated:seed-1:seed-2",
        "generated:loose-0.5",
    ],
)
def test_a_wrong_name_is_told_the_form(name):
    with pytest.raises(ValueError, match=r"is not valid; the form is generated, or .* introductory, interview, competition"):
        load_problems(name, "train")


def test_wrong_splits_tiers_and_counts_are_told_what_is_valid():
    with pytest.raises(ValueError, match=r"split 'valid' of data set 'generated' is not one of train, test, or null"):
        load_problems("generated", "valid")
    with pytest.raises(ValueError, match="loose-101 is more than 100 percent"):
        load_problems("generated:loose-101", "train")
    with pytest.raises(ValueError, match="tiers are introductory, interview, competition, and counts 0 or more"):
        problems("train", {"hard": 1}, 0)


def test_more_problems_than_a_tier_has_are_refused(monkeypatch):
    monkeypatch.setattr(generated, "PATIENCE", 100)
    with pytest.raises(
        ValueError, match=r"500 problems of tier 'introductory', split 'test': only \d+ were found; ask for fewer"
    ):
        problems("test", {"introductory": 500}, 0)


def test_solutions_pass_the_judge_and_a_variant_does_not():
    try:
        with Judge(JudgeOptions(Limits(cpu_s=1.5, wall_s=6, memory_mib=256, output_bytes=1 << 20))) as judge:
            for problem in MADE["test"][:6]:
                right = judge.judge(problem, Program(problem.problem_id, problem.canonical_solution))
                assert (right.verdict, right.tests_passed) == (Verdict.PASS, TESTS)
                wrong = judge.judge(
                    problem, Program(problem.problem_id, problem.canonical_solution.replace("in xs", "in xs[1:]"))
                )
                assert wrong.verdict is Verdict.WRONG_ANSWER
    except NotFoundError as error:
        pytest.skip(f"no jail on this machine: {error}")
