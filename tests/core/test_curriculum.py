import io
import json
import math
import re
import tokenize
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import curriculum
from core.curriculum import Progress, advance, cuts, prefix, start
from core.datasets import load_problems

UNIFIED = Path("../shared/data/unified")


def rests(solution, kinds=curriculum.DEFAULT_KINDS):
    """What the model has to write at each stage."""
    return [solution[len(prefix(solution, cuts(solution, kinds), stage)) :] for stage in range(len(cuts(solution, kinds)))]


BY_HAND = {0: [], 1: [], 2: [1], 3: [2], 4: [2], 5: [2, 4], 9: [3, 6], 10: [3, 6, 9], 16: [4, 8, 12], 17: [4, 8, 12, 16]}


@pytest.mark.parametrize(("conditionals", "shown"), BY_HAND.items())  # n = ⌈√E⌉, s = ⌈E/n⌉; the stage c ends before e[s·c]
def test_stages_by_hand(conditionals, shown):
    solution = "import sys\n" + "".join(f"if x > {i}:\n    x += 1\n" for i in range(conditionals))
    assert cuts(solution) == (0, *(solution.index(f"if x > {i}:") for i in shown))


@settings(deadline=None)
@given(st.integers(1, 200))
def test_the_last_stage_is_within_the_solution(count):
    stages = len(cuts("while x: pass\n" * count))
    assert stages == math.ceil(math.sqrt(count))
    assert math.ceil(count / stages) * (stages - 1) < count


NESTED = """\
def f(xs):
    for x in xs:
        if x:
            return x
    while True:
        pass
"""


def test_nested_statements_count_in_the_order_they_start_and_keep_their_indentation():
    assert rests(NESTED) == [NESTED, "while True:\n        pass\n"]  # e = for, if, while: stride 2
    assert prefix(NESTED, cuts(NESTED), 1).endswith("return x\n    ")
    assert rests(NESTED, ["if", "for"]) == [NESTED, NESTED[NESTED.index("if x") :]]
    assert rests(NESTED, ["while"]) == [NESTED]


@pytest.mark.parametrize(
    ("solution", "last"),
    [
        ("if a:\n    b\nelif c:\n    d\n", "elif c:\n    d\n"),
        ("if a:\n    b\nelse:\n    if c:\n        d\n", "if c:\n        d\n"),
        ("match a:\n    case 1:\n        for b in c: pass\n", "for b in c: pass\n"),
        ("for a in b:\n    pass\nmatch a:\n    case _: pass\n", "match a:\n    case _: pass\n"),
        ("async def f():\n    if a: b\n    async for x in y: pass\n", "async for x in y: pass\n"),
        ("if a: pass\nmatch = 1\nfor_ = match if a else 2\nx = [y for y in z]\nwhile b: pass", "while b: pass"),
        ("if a:\n\tif b:\n\t\tpass\n", "if b:\n\t\tpass\n"),
        ("if a:\r\n  pass\r\nif b:\r\n  pass\r\n", "if b:\r\n  pass\r\n"),
        ("if a:\r  '''x\ry'''\rif b:\r  pass\r", "if b:\r  pass\r"),
        ("if a: pass\n\x0cif b: pass\n", "if b: pass\n"),
        ("'a\\\n\x0b\x0c\x1c\x85\u2028'; a\nif a: pass\n'''\x0c\u2028\n'''\nif b: pass\n", "if b: pass\n"),
        ("if 'é漢😀' in x: '漢'\nß = '😀'\nif ß: pass\n", "if ß: pass\n"),
        ("if a: pass\n\\\nif b: pass\n", "if b: pass\n"),
        ("def f():\n    if a: pass\n    \\\n  if b: pass\n", "if b: pass\n"),
        ("if a:\n    b\nelse :# if no\n    if c: d", "if c: d"),
    ],
)
def test_the_cut_is_where_the_statement_starts(solution, last):
    assert rests(solution) == [solution, last]


@pytest.mark.parametrize("line", ["else: if a: pass", "x = 1; if a: pass", "class A: if a: pass", "@if a: pass"])
def test_python_has_no_line_on_which_a_conditional_stands_behind_something(line):
    with pytest.raises(ValueError, match="does not parse: SyntaxError"):
        cuts("if b: pass\n" + line)


BOTH = ("ternary", "comprehension")


@pytest.mark.parametrize(
    ("solution", "last"),
    [
        ("x = [a for a in b]\ny = f(\n    c if d else e,\n)\n", "y = f(\n    c if d else e,\n)\n"),
        ("def f():\n    x = [a for a in b]\n    return {a: 1 for a in b}\n", "return {a: 1 for a in b}\n"),
        ("x = [a for a in b]\n'é'; y = a if b else c\n", "'é'; y = a if b else c\n"),  # the line's start, not behind `;`
        ("x = [a for a in b]\nif x: y = a if b else c\n", "if x: y = a if b else c\n"),
        ("x = {a for a in b}\nif x:\n    z\nelse: y = (a for b in c)\n", "z\nelse: y = (a for b in c)\n"),
        ("x = [a for a in b]\n@f(a if b else c)\n@g\ndef h():\n    pass\n", "@f(a if b else c)\n@g\ndef h():\n    pass\n"),
        ("x = [a for a in b]\n@(  # @\n  [a for a in b][0])\nclass A: 0\n", "@(  # @\n  [a for a in b][0])\nclass A: 0\n"),
        ("x = [a for a in b]\n@f\ndef g(x=a if b else c): pass\n", "@f\ndef g(x=a if b else c): pass\n"),
    ],
)
def test_an_expression_counts_as_the_statement_that_holds_it(solution, last):
    assert rests(solution, BOTH) == [solution, last]


def test_what_shares_a_place_counts_once():
    one = "x = [a if a else 0 for a in (b if b else c)]\n"
    assert len(cuts(one, BOTH)) == 1  # four nodes, E = 1
    assert len(cuts("if [a for a in b]: pass\n", ("if", "comprehension"))) == 1
    assert len(cuts("x = a if b else c; y = a if b else c\n", BOTH)) == 1
    assert cuts(one + "y = a if b else c", BOTH) == (0, len(one))  # E = 2; with each node counted it would be (0, 0, …)


SOLUTIONS = st.recursive(
    st.sampled_from(["x = 1", "'é漢'; x = [a for a in b]", "y = a if b else '😀'", "@f\ndef g(): pass", "'''\n\x0c\u2028\n'''"]),
    lambda inner: st.builds(
        lambda head, body, tab: head + "\n" + "\n".join(tab + line for line in "\n".join(body).split("\n")),
        st.sampled_from(["if é:", "for x in y:", "while z:", "def f():", "async def f():", "try: pass\nfinally:"]),
        st.lists(inner, min_size=1, max_size=4),
        st.sampled_from(["  ", "\t", "    "]),
    ),
    max_leaves=25,
)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(SOLUTIONS, min_size=1, max_size=4).map("\n".join), st.sampled_from(["\n", "\r\n", "\r"]))
def test_line_ends_move_no_cut_and_cuts_rise_over_line_starts(solution, end):
    kinds = tuple(curriculum.KINDS)
    found = cuts(solution, kinds)
    assert all(earlier < later for earlier, later in pairwise(found))
    for cut in found[1:]:
        assert solution[:cut].rpartition("\n")[2].strip(" \t") == ""
        assert solution[cut] not in " \t\n"
    ended = solution.replace("\n", end)
    assert cuts(ended, kinds) == tuple(cut + solution.count("\n", 0, cut) * (len(end) - 1) for cut in found)


@pytest.mark.parametrize("solution", ["def f(:", "x\0", "'\ud800'", "-" * 100_000 + "1", "  x\n y"])
def test_a_solution_that_does_not_parse_is_said_so(solution):
    with pytest.raises(ValueError, match="the canonical solution does not parse: "):
        cuts(solution)


def test_progress_by_hand():
    progress = start(3)
    progress = advance(progress, 0.5, alpha=0.5, threshold=0.5)
    assert progress == Progress(2, 0.25)
    progress = advance(progress, 0.75, alpha=0.5, threshold=0.5)
    assert progress == Progress(2, 0.5)  # not above the threshold
    progress = advance(progress, 0.75, alpha=0.5, threshold=0.5)  # 0.625
    assert progress == Progress(1, 0.0)
    progress = advance(progress, 1.0, alpha=0.75, threshold=0.5)
    assert progress == Progress(0, 0.0)
    for rate in (0.75, 0.9375, 0.984375):  # at stage 0 it stays, and ρ is not set back
        progress = advance(progress, 1.0, alpha=0.75, threshold=0.5)
        assert progress == Progress(0, rate)
    assert advance(progress, 0.0, alpha=1.0, threshold=0.5) == Progress(0, 0.0)


def test_a_problem_may_fall_to_the_whole_task_at_once():
    assert advance(start(3), 1.0, alpha=1.0, threshold=0.5, falls="all") == Progress(0, 0.0)
    assert advance(start(3), 0.5, alpha=1.0, threshold=0.5, falls="all") == Progress(2, 0.5)
    with pytest.raises(ValueError, match="curriculum falls 'none' is not one of one, all"):
        curriculum.check(0.1, 0.6, falls="none")


RATES = st.floats(0, 1)


@given(
    st.lists(RATES, max_size=50), RATES.filter(lambda alpha: alpha > 0), RATES.filter(lambda rate: rate < 1), st.integers(1, 9)
)
def test_stages_only_fall_one_at_a_time_and_rates_stay_rates(pass_rates, alpha, threshold, stages):
    progress = start(stages)
    for pass_rate in pass_rates:
        after = advance(progress, pass_rate, alpha, threshold)  # Progress itself refuses a rate outside of [0, 1]
        assert after.stage in (progress.stage, max(progress.stage - 1, 0))
        assert after.rate <= threshold or after.stage == progress.stage == 0
        progress = after


def test_state_survives_json():
    progresses = {"mbpp/1": Progress(2, 0.1 + 0.2), "ü": Progress(0, 1 / 3)}
    written = json.loads(json.dumps(curriculum.state(progresses)))
    assert written == {"mbpp/1": [2, 0.30000000000000004], "ü": [0, 1 / 3]}
    assert curriculum.restored(written) == progresses
    assert type(curriculum.restored(written)["mbpp/1"].stage) is int


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: curriculum.check(0.0, 0.6), "alpha 0.0 is not above 0"),
        (lambda: curriculum.check(1.1, 0.6), "alpha 1.1"),
        (lambda: curriculum.check(math.nan, 0.6), "alpha nan"),
        (lambda: curriculum.check(0.1, 1.0), "threshold 1.0 is not from 0 to below 1"),
        (lambda: curriculum.check(0.1, -0.1), "threshold -0.1"),
        (lambda: curriculum.check(0.1, 0.6, ()), "kinds are empty; choose of if, for"),
        (lambda: curriculum.check(0.1, 0.6, ("if", "try")), "kind 'try' is not one of if, for, while, match, ternary, compre"),
        (lambda: cuts("x", ("elif",)), "kind 'elif' is not one of"),
        (lambda: prefix(NESTED, cuts(NESTED), -1), "stage -1 is not one of 0 to 1"),
        (lambda: prefix(NESTED, cuts(NESTED), 2), "stage 2 is not one of 0 to 1"),
        (lambda: start(0), "stage -1"),
        (lambda: advance(start(1), 1.5, 0.1, 0.6), "pass_rate 1.5 is not between 0 and 1"),
        (lambda: advance(start(1), math.nan, 0.1, 0.6), "pass_rate nan"),
        (lambda: curriculum.restored({"a": [0, 2.0]}), "rate 2.0"),
    ],
)
def test_bad_values_are_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_good_options_pass():
    curriculum.check(1.0, 0.0, tuple(curriculum.KINDS))
    curriculum.check(0.1, 0.6)


def starts(solution):
    """Offsets of conditional statements by their tokens: the first word of a statement, found without a syntax tree."""
    lines = solution.split("\n")
    found, first = [], True
    for token in tokenize.generate_tokens(io.StringIO(solution).readline):
        if token.type in (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
            continue
        if first and re.match(r"(if|elif|for|while|async +for)\b|match .*:\s*$", token.line[token.start[1] :]):
            found.append(sum(len(line) + 1 for line in lines[: token.start[0] - 1]) + token.start[1])
        first = token.type == tokenize.NEWLINE
    return found


NAMES = ("mbpp_full", "mbpp_sanitized", "leetcode_train", "leetcode_train_manytests", "codecontests_train")


@pytest.mark.parametrize("name", NAMES)
def test_every_canonical_solution(name):
    """The cuts are those of an independent count by tokens, and the stages run out under passes."""
    path = UNIFIED / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    for problem in load_problems(f"unified:{path}", None):
        solution = problem.canonical_solution
        found, expected = cuts(solution), starts(solution)
        stages = math.ceil(math.sqrt(len(expected))) or 1
        stride = math.ceil(len(expected) / stages)
        assert found == (0, *(expected[stride * stage] for stage in range(1, stages))), problem.problem_id
        assert all(solution.startswith(prefix(solution, found, stage)) for stage in range(stages))
        progress, groups = start(len(found)), 0
        while progress.stage:
            progress, groups = advance(progress, 1.0, alpha=0.1, threshold=0.6), groups + 1
        assert groups == 9 * (len(found) - 1)  # 1 − 0.9⁸ = 0.57 is not above 0.6, 1 − 0.9⁹ = 0.61 is
