"""The comparison rules, case by case. What holds for all of them is in test_compare_laws.py."""

import math

import pytest

from sandbox.compare import RULES, TOLERANCE, output_equal, values_equal

NAN = float("nan")


def text(output: bytes, expected: str, rule: str, tolerance: float = TOLERANCE) -> bool:
    return output_equal(output, expected, rule, tolerance)


def value(got: object, expected: object, rule: str, tolerance: float = TOLERANCE) -> bool:
    return values_equal(got, expected, rule, tolerance)


@pytest.mark.parametrize(
    ("output", "expected", "equal"),
    [
        (b"3", "3\n", True),
        (b"3 \r\n\n\n", "3", True),
        (b"1\n2\n", "1\n2", True),
        (b"", "", True),
        (b"\n\n", "", True),
        (b"3\n4", "3", False),
        (b"3", "3\n4", False),
        (b"\n3", "3", False),
        (b" 3", "3", False),
        (b"1  2", "1 2", False),
        (b"YES", "yes", False),
        (b"3.0", "3", False),
        (b"3\0", "3", False),
        (b"3\x0c", "3", False),
        (b"3\xa0", "3", False),
        (b"3\n4", "3\x0b4", False),
        (b"\xff", "ÿ", False),
        ("e\u0301".encode(), "é", False),
        pytest.param(b"7" * 10_000, "7" * 10_000, True, id="long"),
    ],
)
def test_exact_text(output, expected, equal):
    assert text(output, expected, "exact") is equal


TOKENS = [
    (b"1  2\t3 \r\n\n\n4", "1 2 3\n4", True),
    (b"\n\n 1 2", "1 2", True),
    (b"a\nb", "a b", False),
    (b"a b", "a\nb", False),
    (b"a b c", "a b", False),
    (b"a\nb\nc", "a\nb", False),
    (b"A", "a", False),
    (b"1\x0b2", "1 2", False),
    (b"1\x1c2", "1 2", False),
    ("1\u20002".encode(), "1 2", False),
]


@pytest.mark.parametrize(("output", "expected", "equal"), [*TOKENS, (b"1.0", "1", False)])
def test_tokens(output, expected, equal):
    assert text(output, expected, "tokens") is equal


@pytest.mark.parametrize(
    ("output", "expected", "equal"),
    [
        *TOKENS,
        (b"2.5000001 x", "2.5 x", True),
        (b"2.50001", "2.5", False),
        (b"25e-1", "2.5", True),
        (b"1.5E+09", "1500000000", True),
        (b"1500000000.5", "1500000000", True),
        (b"1500000001", "1500000000", False),
        (b"100000000000000000000001", "100000000000000000000000", False),
        (b"0.0000005", "0.00000001", True),
        (b"+5 007 -0 .5 5.", "5 7 0 0.50 5.0", True),
        (b"-5", "5", False),
        (b"nan", "2.5", False),
        (b"nan", "nan", False),
        (b"banana nano", "banana nano", True),
        (b"inf", "1e999", False),
        (b"1e999", "2e999", False),
        (b"1", "1e999", False),
        (b"1e999", "1.0", False),
        (b"1_0.0", "10.0", False),
        (b"0x10", "16.0", False),
        ("\u0661.0".encode(), "1.0", False),
        (b"1e", "1.0", False),
    ],
)
def test_numbers(output, expected, equal):
    assert text(output, expected, "numbers") is equal


@pytest.mark.parametrize(
    ("output", "expected", "equal"),
    [
        (b"1 2\n3", "3\n1 2", True),
        (b"b\n\na \n", "a\nb", True),
        (b"2 1\n3", "3\n1 2", False),
        (b"1\n1\n2", "1\n2\n2", False),
        (b"1\n2\n2", "1\n2", False),
        (b"3 2 1", "1 2 3", False),
    ],
)
def test_lines_in_any_order(output, expected, equal):
    assert text(output, expected, "unordered") is equal


@pytest.mark.parametrize(
    ("output", "expected", "equal"),
    [
        (b"YES\n1 2", "yes 1\n2", True),
        (b"1\x0b2", "1 2", True),
        (b"123", "123.000001", True),
        (b"123", "123.1", False),
        (b"0.00001", "0", False),
        (b"1000000000.5", "1000000000", False),
        (b"9007199254740993", "9007199254740992", False),
        (b"a b", "a b c", False),
        (b"nan 1.0", "nan 1", False),
        (b"1e999", "2e999", False),
    ],
)
def test_codecontests(output, expected, equal):
    assert text(output, expected, "codecontests") is equal


@pytest.mark.parametrize(
    ("output", "expected", "equal"),
    [
        (b" 1 2 ", "1 2\n", True),
        (b"1\n\n2", "\n1\n2\n\n", True),
        (b"0.333333", "0.3333333333", True),
        (b"0.3333", "0.3333333333", True),  # within three digits, as sets
        (b"0.33", "0.3333333333", False),
        (b"2\n1", "1\n2", True),  # wrong answers that APPS accepts
        (b"2 1 1", "1 2", True),
        (b"1\n1", "1", True),
        (b"100001", "100000", True),
        (b"10001", "10000", False),
        (b"1.0004 2", "1 2", True),
        (b"1.0004 a", "1 a", False),
        (b"1 2", "1\n2", False),
        (b"", "1", False),
        (b"nan", "1", False),
        (b"1e999", "2e999", False),
    ],
)
def test_apps_text(output, expected, equal):
    assert text(output, expected, "apps") is equal


PLAIN = [
    (3, 3, True),
    (None, None, True),
    ((1, [2, (3,)]), [1, [2, [3]]], True),
    ([1], [1, 2], False),
    ("1", 1, False),
    ({1: "a", None: 2, 2.5: 3}, {"1": "a", "null": 2, "2.5": 3}, True),
    ({1: "b", "1": "a"}, {"1": "a"}, False),
    ({(1,): 2}, {"[1]": 2}, False),
    ({NAN: 1}, {"NaN": 1}, False),
    ({10**6000: 1}, {"1": 1}, False),
    ({1, 2}, [1, 2], False),
    (b"a", "a", False),
    (1j, 1, False),
    (NAN, NAN, False),
    ([NAN], [NAN], False),
    (math.inf, math.inf, True),
    (math.inf, -math.inf, False),
    (0.0, -0.0, True),
    ("e\u0301", "é", False),
    pytest.param(10**6000, 10**6000, True, id="long integers"),
    pytest.param(10**6000 + 1, 10**6000, False, id="long integers differ"),
    pytest.param(10**6000, 1.5, False, id="an integer too long for a float"),
]


@pytest.mark.parametrize("rule", RULES["call"])
@pytest.mark.parametrize(("got", "expected", "equal"), PLAIN)
def test_plain_values(got, expected, equal, rule):
    assert value(got, expected, rule) is equal


@pytest.mark.parametrize(("got", "expected"), [(3.0, 3), (3, 3.0), (True, 1), (1, True), (0, False), ([True], [1.0])])
def test_types_count_but_for_python_equality(got, expected):
    assert not value(got, expected, "exact")
    assert not value([got], [expected], "unordered")
    assert value(got, expected, "equal")
    assert value(got, expected, "apps")
    assert not value(2.5, 2, "equal")


@pytest.mark.parametrize(
    ("got", "expected", "equal"),
    [
        (3.0, 3, True),
        ([{"a": (2.5000001,)}], [{"a": [2.5]}], True),
        (2.50001, 2.5, False),
        (True, 1, False),
        (True, 1.0, False),
        (math.inf, 1e308, False),
        (1.0, math.inf, False),
        (-1e308, 1e308, False),
        (10**308, 1e308, True),
    ],
)
def test_values_within_the_tolerance(got, expected, equal):
    assert value(got, expected, "numbers") is equal


@pytest.mark.parametrize(
    ("got", "expected", "equal"),
    [
        ([2, 1], [1, 2], True),
        ((3, "a", None, [1, 2], {"b": 1, "a": 2}), [{"a": 2, "b": 1}, [1, 2], None, "a", 3], True),
        ([[2, 1]], [[1, 2]], False),
        ([1, 1, 2], [1, 2, 2], False),
        ([1, 2, 2], [1, 2], False),
        ([-0.0, 1.0], [1.0, 0.0], True),
        ([1, NAN], [NAN, 1], False),
        (["[1, 2]"], [[1, 2]], False),
        ([{1}], [{1}], False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ],
)
def test_a_list_in_any_order(got, expected, equal):
    assert value(got, expected, "unordered") is equal


@pytest.mark.parametrize(
    ("got", "expected", "equal"),
    [
        (9, [9], True),
        ([9], [9], True),
        ([9], [[9]], True),
        (((1, 2), (3, 4)), [[[1, 2], [3, 4]]], True),
        ({1: 2}, [{"1": 2}], True),
        (1, [1, 2], True),  # what APPS accepts
        (2, [1, 2], False),
        ([9], 9, False),
        (None, [], False),
    ],
)
def test_apps_values(got, expected, equal):
    assert value(got, expected, "apps") is equal
