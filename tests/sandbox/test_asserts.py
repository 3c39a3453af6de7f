"""Test code cut into tests."""

import pytest

from sandbox.asserts import split
from sandbox.problem import Problem


def cut(code, setup="", entry_point="f"):
    return split(Problem("p", "", "assert", entry_point=entry_point, test_code=code, setup_code=setup))


def passes(test, **names):
    """Whether the test's code runs through, with these names given."""
    try:
        exec(test.code, dict(names))
    except AssertionError:
        return False
    return True


def test_check_layout():
    tests = cut(
        "METADATA = {'a': 1}\ndef check(candidate):\n    assert candidate(1) == 1, 'one'\n    x = 2\n    assert candidate(x) == 2\n"
        "    for i in range(3):\n        assert candidate(i) == i\n    assert True, 'prints'\n"
    )
    assert [t.label for t in tests.tests] == [
        "assert candidate(1) == 1, 'one'",
        "assert candidate(x) == 2",
        "for i in range(3):\n    assert candidate(i) == i",
    ]
    assert [passes(t, f=lambda x: x) for t in tests.tests] == [True, True, True]
    assert [passes(t, f=lambda x: min(x, 1)) for t in tests.tests] == [True, False, False]
    assert tests.remote_names == ("f",)


def test_bare_asserts():
    tests = cut("s = [1]\nassert f(s) == 1\ns = [2]\nassert f(s) == 2")
    assert [passes(t, f=lambda s: s[0]) for t in tests.tests] == [True, True]
    assert [passes(t, f=lambda s: 1) for t in tests.tests] == [True, False]


@pytest.mark.parametrize(
    "code",
    [
        "def helper(x):\n    assert f(x) == x\nhelper(1)\nhelper(2)",  # the asserts run where they are called
        "for i in range(3):\n    assert f(i) == i\n    last = f(i)\nassert last == 2",  # one needs what another made
        "f(1)",  # raises or not
    ],
)
def test_entangled_asserts_stay_one_test(code):
    (test,) = cut(code).tests
    assert passes(test, f=lambda x: x)


def test_names_that_only_the_program_defines():
    tests = cut("assert len(f(Pair(5, math.pi))) == sys.getsizeof(x) == [y for y in ()]\nx = 1")
    assert tests.remote_names == ("f", "Pair")
    assert tests.tests[0].code.startswith("import math\nimport sys\n")


def test_test_code_that_is_no_python():
    with pytest.raises(ValueError, match="'p'.*no Python"):
        cut("assert f(")
