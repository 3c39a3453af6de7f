"""The comparison rules, case by case."""

import pytest

from sandbox.compare import lines_equal, values_equal


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
        (b"\xff", "ÿ", False),
        ("é".encode(), "é", True),
        ("e\u0301".encode(), "é", False),
    ],
)
def test_lines(output, expected, equal):
    assert lines_equal(output, expected) is equal


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [
        (3, 3, True),
        (3.0, 3, False),
        (3, 3.0, False),
        (True, 1, False),
        (1, True, False),
        (None, None, True),
        ((1, [2, (3,)]), [1, [2, [3]]], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 2], False),
        ("1", 1, False),
        ({1: "a", None: 2}, {"1": "a", "null": 2}, True),
        ({(1,): 2}, {"[1]": 2}, False),
        ({1, 2}, [1, 2], False),
        (float("nan"), float("nan"), False),
        pytest.param(10**6000, 10**6000, True, id="long integers"),
        (b"a", "a", False),
    ],
)
def test_values(value, expected, equal):
    assert values_equal(value, expected) is equal


@pytest.mark.parametrize(
    ("value", "expected", "equal"),
    [(2.0, 2, True), ([2, (3.0,)], [2.0, [3]], True), (True, 1, True), (0, False, True), (2.5, 2, False), ("1", 1, False)],
)
def test_equal_as_python_says(value, expected, equal):
    assert values_equal(value, expected, "equal") is equal
