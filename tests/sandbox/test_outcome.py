"""What a jail's bytes say, decided in a process without a clock: the right verdict, in time that grows with their length only."""

import json
import sys
import time

import pytest

from sandbox import outcome
from sandbox.compare import RULES, output_equal
from sandbox.inside import wire
from sandbox.verdict import Verdict

MODULUS = (1 << 61) - 1  # of CPython's hash of a number
SOON_S = 1.0  # of CPU; the like cost seconds to minutes

VALUES = [
    3,
    -0.5,
    "ö",
    True,
    None,
    [1, (2, [3])],
    {"a": {"b": (1,)}},
    {1: 2, "x": [], None: 0, False: 1},
    10**40,
    -(16**6000),
    {},
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(type(value).__name__))
def test_a_value_that_json_can_say_comes_back(value):
    """As JSON has it: that is what is expected."""
    sys.set_int_max_str_digits(0)
    expected = json.loads(json.dumps(value))
    assert outcome.of_value(wire.dumps(wire.to_tree(value)), expected, "exact", 0) == (Verdict.PASS, "")
    assert outcome.of_value(wire.dumps(wire.to_tree([value, 1])), [expected, 2], "exact", 0)[0] is Verdict.WRONG_ANSWER


@pytest.mark.parametrize("value", [{1}, frozenset(), b"a", 1j, range(2), int, {(1, 2): 3}, {1: 0, "1": 0}, {float("nan"): 0}])
def test_what_json_has_not_is_no_answer(value):
    for place in (value, [value], {"a": value}):
        verdict, message = outcome.of_value(wire.dumps(wire.to_tree(place)), {"a": 1}, "equal", 0)
        assert (verdict, message[:26]) == (Verdict.WRONG_ANSWER, "the value is no plain data")


HOSTILE = {
    "fractions": {"s": [{"F": [hex(MODULUS * k), "0x1"]} for k in range(1, 20_000)]},
    "keys that are fractions": {"d": [[{"F": [hex(MODULUS * k), "0x1"]}, 0] for k in range(1, 20_000)]},
    "keys that are tuples": {"d": [[{"t": [{"c": [-1000003 * k, k]}]}, 0] for k in range(1, 20_000)]},
    "keys that are integers": {"d": [[{"i": hex(MODULUS * k)}, 0] for k in range(1, 20_000)]},
    "decimals": {"f": [{"D": str(MODULUS * k)} for k in range(1, 20_000)]},
    "a fraction of long integers": {"F": ["0x" + "9" * 400_000, "0x" + "7" * 400_001]},
    "a long integer": {"i": "0x" + "9" * 1_000_000},
    "a long decimal": {"D": "9" * 1_000_000},
    "dates": [{"T": ["date", "2024-02-29"]}] * 30_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_no_value_keeps_the_judge_busy(what):
    data = wire.dumps(HOSTILE[what])
    started = time.process_time()
    for rule in RULES["call"]:
        assert outcome.of_value(data, [1], rule, 0)[0] is Verdict.WRONG_ANSWER
    assert time.process_time() - started < SOON_S * len(RULES["call"])


TEXTS = {
    "huge numbers": b"9.87e307 " * 100_000,
    "numbers of equal hashes": b" ".join(repr(m * 2.0 ** (61 * j)).encode() for m in range(1, 4000) for j in range(16)),
    "one long number": b"1" * 1_000_000 + b"e-999990",
    "a number in parts": b"1" * 300_000 + b"." + b"1" * 300_000 + b"e" + b"1" * 300_000 + b"x",
}


@pytest.mark.parametrize("what", TEXTS)
def test_no_output_keeps_the_judge_busy(what):
    for rule in RULES["stdin"]:
        for expected in ("1 2", "9.87e307"):
            started = time.process_time()
            output_equal(TEXTS[what], expected, rule, 1e-6)
            assert time.process_time() - started < SOON_S, rule
