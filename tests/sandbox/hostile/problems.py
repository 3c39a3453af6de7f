"""The few problems that the hostile programs are judged on. Names in `_once` have one test, for programs that run into limits."""

from dataclasses import replace

from sandbox.problem import Problem

_NEEDLE = "needle-" + "qzxjkvwpyf"  # an answer that no program can work out, only find

_STDIN = (
    Problem("product", "Print the product of two integers.", "stdin", inputs=("3 4\n", "-2 8\n"), outputs=("12\n", "-16\n")),
    Problem("verses", "Print three lines.", "stdin", inputs=("roses\n",), outputs=("roses are red\nviolets are blue\nroses\n",)),
    Problem(
        "needle", "Print what only the judge knows.", "stdin", inputs=("a\n", "b\n"), outputs=(_NEEDLE + "-a", _NEEDLE + "-b")
    ),
    Problem(
        "total",
        "Print the sum of all integers given: 5 MB of them.",
        "stdin",
        inputs=("\n".join(str(1_000_000 + i % 9_000_000) for i in range(625_000)) + "\n",),
        outputs=(str(sum(1_000_000 + i % 9_000_000 for i in range(625_000))),),
    ),
)

_CALL = (
    Problem(
        "product_call", "The product of two integers.", "call", entry_point="product", inputs=([3, 4], [1, 1]), outputs=(12, 1)
    ),
    Problem("half_call", "Half of a number, as a float.", "call", entry_point="half", inputs=([3], [0]), outputs=(1.5, 0.0)),
    Problem(
        "words_call",
        "The different words of a text, sorted.",
        "call",
        entry_point="words",
        inputs=(["b a b"], ["ö é ö"]),
        outputs=(["a", "b"], ["é", "ö"]),
    ),
    Problem(
        "count_call",
        "How often each letter stands in a text.",
        "call",
        entry_point="count",
        inputs=(["abba"], [""]),
        outputs=({"a": 2, "b": 2}, {}),
    ),
    Problem(
        "power_call",
        "The power of two integers.",
        "call",
        entry_point="power",
        inputs=([2, 10], [7, 2000]),
        outputs=(1024, 7**2000),
    ),
    Problem("needle_call", "What only the judge knows.", "call", entry_point="word", inputs=(["a"],), outputs=(_NEEDLE,)),
)

_ASSERT = (
    Problem(
        "product_assert",
        "The product of two integers.",
        "assert",
        entry_point="product",
        test_code="def check(candidate):\n    assert candidate(3, 4) == 12\n    assert candidate(-2, 8) == -16\n",
    ),
    Problem(
        "half_assert",
        "Half of a number.",
        "assert",
        entry_point="half",
        test_code="import math\ndef check(candidate):\n"
        "    assert abs(candidate(3) - 1.5) < 1e-9\n    assert math.isclose(candidate(7), 3.5)\n",
    ),
    Problem(
        "even_assert",
        "Whether a number is even.",
        "assert",
        entry_point="is_even",
        test_code="assert is_even(4)\nassert not is_even(7)\nassert is_even(0) is True\n",
    ),
    Problem(
        "all_even_assert",
        "Whether a number is even; 3 counts as even here, so that a right program must know it.",
        "assert",
        entry_point="is_even",
        test_code="assert all(map(is_even, [2, 3, 8]))\n",
    ),
    Problem(
        "order_assert",
        "A list in ascending order, the list given left as it is.",
        "assert",
        entry_point="order",
        test_code="def check(candidate):\n    given = [3, 1, 2]\n    found = candidate(given)\n"
        "    assert found == sorted(given) and len(found) == 3\n    assert candidate([]) == []\n",
    ),
    Problem(
        "square_assert",
        "The square of a number.",
        "assert",
        entry_point="square",
        setup_code="def reference(n):\n    return n * n\n",
        test_code="assert square(5) == reference(5)\nassert square(-3) == reference(-3)\n",
    ),
    Problem(
        "root_assert",
        "The integer root of a number; ValueError below 0.",
        "assert",
        entry_point="root",
        test_code="def check(candidate):\n    assert candidate(17) == 4\n    try:\n        candidate(-1)\n"
        "        assert False, 'no error'\n    except ValueError:\n        pass\n",
    ),
    Problem(
        "stack_assert",
        "A class Stack with push, pop and size.",
        "assert",
        entry_point="Stack",
        test_code="s = Stack()\ns.push(5)\ns.push('x')\nassert (s.pop(), s.size) == ('x', 1)\nassert list(s) == [5]\n",
    ),
    Problem(
        "countdown_assert",
        "Yields n, n - 1, ... 1.",
        "assert",
        entry_point="countdown",
        test_code="assert list(countdown(3)) == [3, 2, 1]\nassert sum(countdown(4)) == 10\n",
    ),
    Problem("product_assert_once", "The product.", "assert", entry_point="product", test_code="assert product(3, 4) == 12\n"),
    Problem(
        "countdown_list_assert", "As above.", "assert", entry_point="countdown", test_code="assert list(countdown(2)) == [2, 1]\n"
    ),
    Problem("countdown_sum_assert", "As above.", "assert", entry_point="countdown", test_code="assert sum(countdown(4)) == 10\n"),
    Problem(
        "needle_assert",
        "What only the judge knows.",
        "assert",
        entry_point="word",
        test_code=f"def check(candidate):\n    assert candidate('a') == {_NEEDLE!r}\n",
    ),
)


def _once(problem: Problem) -> Problem:
    """The same with its first test only."""
    return replace(problem, problem_id=problem.problem_id + "_once", inputs=problem.inputs[:1], outputs=problem.outputs[:1])


PROBLEMS = {
    problem.problem_id: problem for problem in (*_STDIN, *_CALL, *_ASSERT, _once(_STDIN[0]), _once(_CALL[0]), _once(_CALL[2]))
}
