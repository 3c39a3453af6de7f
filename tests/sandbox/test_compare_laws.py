"""The comparison rules: other judges' cases, what a problem may name, what holds for any output, what hostile output costs."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.compare import RULES, TOLERANCE, output_equal, values_equal
from sandbox.problem import Problem
from tests.sandbox.test_compare import NAN, text, value

SHARED = Path("../shared")
SIZE = 1 << 18  # bytes of a hostile output here, a quarter of what a test may print


def peer_cases() -> dict:
    path = SHARED / "data" / "peer_cases.json"
    if not path.exists():
        pytest.skip(f"{path} is not on this machine")
    return json.loads(path.read_text())["output_compare"]


def test_cases_of_other_judges():
    peers = peer_cases()
    for output, expected, equal in peers["code_contests"]["cases"]:
        assert text(output.encode(), expected, "codecontests") is equal, (output, expected)
    for output, expected, equal in peers["dmoj_standard"]["cases"]:
        assert text(output.encode(), expected, "tokens") is equal, (output, expected)
        assert text(expected.encode(), output, "tokens") is equal, (expected, output)
    lines = [case for case in peers["dmoj_sorted"]["cases"] if case[2] == "lines"]  # the other cases sort words
    assert lines
    for output, expected, _, equal in lines:
        assert text(output.encode(), expected, "unordered") is equal, (output, expected)
    for case in peers["apps_testing_util"]["cases"]:
        if case["mode"] == "call":
            assert value(case["output"], case["expected"], "apps") is case["verdict"], case
        else:
            assert text(case["output"].encode(), case["expected"], "apps") is case["verdict"], case


def test_every_rule_of_the_hostile_problems_can_be_named():
    files = sorted((SHARED / "adversarial" / "problems").glob("*.json"))
    if not files:
        pytest.skip(f"{SHARED / 'adversarial'} is not on this machine")
    ours = {"exact_lines": "exact", "json_equal": "exact", "float": "numbers"}
    for file in files:
        row = json.loads(file.read_text(), parse_int=lambda digits: digits if len(digits) > 4000 else int(digits))
        compare = row["compare"]
        tolerance = {compare.get("abs", TOLERANCE), compare.get("rel", TOLERANCE)}
        assert len(tolerance) == 1, file
        problem = Problem(
            row["name"], row["statement"], row["mode"], entry_point=row.get("fn_name"),
            inputs=tuple(row["inputs"]), outputs=tuple(row["outputs"]), compare=ours[compare["type"]], tolerance=tolerance.pop(),
        )  # fmt: skip
        for expected in problem.outputs:
            if problem.mode == "stdin":
                assert text(expected.encode(), expected, problem.compare, problem.tolerance)
            else:
                assert value(expected, expected, problem.compare, problem.tolerance)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"mode": "stdin", "compare": "equal"}, "not one of exact, tokens, numbers, unordered, codecontests, apps .mode 'stdin'"),
        ({"mode": "call", "compare": "tokens"}, "not one of exact, numbers, unordered, equal, apps .mode 'call'"),
        ({"mode": "assert", "compare": "equal"}, "not one of exact .mode 'assert'"),
        ({"mode": "call", "compare": "numbers", "tolerance": NAN}, "tolerance nan is not from 0 to below 1"),
        ({"mode": "call", "compare": "numbers", "tolerance": 1}, "tolerance 1 is not from 0 to below 1"),
        ({"mode": "call", "tolerance": 1e-3}, "tolerance 0.001 has no meaning for compare 'exact'"),
    ],
)
def test_a_problem_names_a_rule_of_its_mode(fields, what):
    inputs, outputs = (("1",), ("1",)) if fields["mode"] == "stdin" else (([1],), (1,))
    with pytest.raises(ValueError, match=what):
        Problem("p", "q", entry_point="f", inputs=inputs, outputs=outputs, test_code="assert f()", **fields)


def test_the_tolerance_is_absolute_or_relative_to_the_expected_number():
    assert text(b"0.25", "0.5", "numbers", 0.25)
    assert not text(b"0.2499", "0.5", "numbers", 0.25)
    assert text(b"3.0", "4", "numbers", 0.25)
    assert not text(b"4.0", "3", "numbers", 0.25)
    assert not text(b"1.0000000001", "1", "numbers", 0)
    assert text(b"1.00", "1", "numbers", 0)
    assert value(3.0, 4, "numbers", 0.25)
    assert not value(4.0, 3, "numbers", 0.25)


def test_an_unknown_rule_is_never_passed_over():
    for equal in (output_equal, values_equal):
        with pytest.raises(ValueError, match="rule 'tokenz' is not one of exact, "):
            equal(b"", "", "tokenz", TOLERANCE)


lines = st.lists(st.sampled_from(["1", "2", "-0.5", "1e3", "a", "A", "nan", " ", "\t", "\r", "\x0b", "\x0c", "é", "\n", "\n"]))
texts = st.one_of(st.text(), lines.map("".join))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False).map(lambda number: number + 0.0) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(texts)
def test_a_text_is_itself_whatever_its_blanks(printed):
    output = printed.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape")
    same = output.encode("utf-8", "surrogateescape").replace(b"\n", b" \r\n") + b"\n \n"
    for rule in RULES["stdin"]:
        assert text(same, output, rule) or (rule == "numbers" and "nan" in output.lower())


@given(texts, texts, st.sampled_from(RULES["stdin"]))
def test_no_looser_rule_refuses_what_a_stricter_one_takes(first, second, rule):
    one, other = (
        first.encode("utf-8", "surrogatepass"),
        second.encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
    )
    assert isinstance(text(one, other, rule), bool)
    if text(one, other, "exact"):
        assert text(one, other, rule) or (rule == "numbers" and "nan" in other.lower())
    if text(one, other, "tokens"):
        assert text(one, other, "codecontests")
        assert text(one, other, "apps")


@given(st.binary(), st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.sampled_from(RULES["stdin"]))
def test_any_bytes_get_an_answer(output, expected, rule):
    assert text(output, expected, rule) in (True, False)


def written(each: object) -> str:
    """JSON tells 1, 1.0, True and "1" apart, as `exact` does."""
    return json.dumps(each, sort_keys=True)


@given(st.lists(plain), st.randoms())
def test_shuffled_values(listed, random):
    shuffled = listed.copy()
    random.shuffle(shuffled)
    assert value(shuffled, listed, "unordered")
    assert value(shuffled, listed, "exact") is (written(shuffled) == written(listed))


@given(plain, plain)
def test_values_agree_with_json(first, second):
    for rule in RULES["call"]:
        assert value(first, first, rule)
    assert value(first, second, "exact") is (written(first) == written(second))
    assert value(first, second, "unordered") or not value(first, second, "exact")
    assert value(first, second, "equal") is (first == second)
    assert value(first, second, "apps") or not value(first, second, "equal")


HOSTILE = {
    "words": b"1 " * (SIZE // 2),
    "lines": b"1\n" * (SIZE // 2),
    "empty lines": b"\n" * SIZE,
    "blanks": b" \t\r" * (SIZE // 3),
    "an integer": b"1" * SIZE,
    "nearly a number": b"1" * SIZE + b"x",
    "an exponent": b"1e" + b"9" * SIZE,
    "a fraction": b"0." + b"0" * SIZE + b"1e99999",
    "overflowing numbers": b"1e999999 " * (SIZE // 9),
    "different words": b" ".join(b"%x" % i for i in range(SIZE // 6)),
    "different numbers": b"\n".join(b"%d.5" % i for i in range(SIZE // 8)),
    "NaN": b"nan " * (SIZE // 4),
    "no UTF-8": b"\xff\n" * (SIZE // 2),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_output_costs_little(kind):
    """Up to a second for all rules together; the square of its length would be minutes."""
    started = time.process_time()
    for rule in RULES["stdin"]:
        assert not text(HOSTILE[kind], "2 x", rule)
        assert text(HOSTILE[kind], HOSTILE[kind].decode("utf-8", "surrogateescape"), rule) or (rule, kind) == ("numbers", "NaN")
    assert time.process_time() - started < 15


def test_hostile_values_cost_little():
    started = time.process_time()
    long = 1 << 4_000_000  # its decimal digits alone would take a minute
    for rule in RULES["call"]:
        for got in (long, [long] * 3, {long + i: 0 for i in range(20)}, list(range(100_000)), [[]] * 100_000):
            assert not value(got, 1.5, rule)
            assert not value(got, [1.5], rule)
            assert not value(got, {"1": 0}, rule)
    assert time.process_time() - started < 15


@pytest.mark.parametrize("rule", RULES["call"])
def test_nesting_beyond_the_stack_raises_recursion_error(rule):
    got, expected = [1], [1]
    for _ in range(100_000):
        got, expected = [got], [expected]
    with pytest.raises(RecursionError):
        value(got, expected, rule)
