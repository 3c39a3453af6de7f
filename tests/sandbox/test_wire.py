"""Values across the pipe: the same value of the same type, and nothing but data."""

import datetime
import decimal
import fractions
import json
import socket
from collections import Counter, OrderedDict, namedtuple
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.inside import wire

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False)
)
hashable = st.recursive(atoms, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4)
values = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
        | st.tuples(inner)
    ),
    max_leaves=12,
)


def crossed(value):
    return wire.from_tree(wire.loads(wire.dumps(wire.to_tree(value))))


@given(values)
def test_round_trip(value):
    back = crossed(value)
    assert back == value
    assert repr(type(back)) == repr(type(value))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(10**6000, id="long integer"),
        -(10**30),
        range(1, 9, 2),
        decimal.Decimal("1.50"),
        fractions.Fraction(-1, 3),
        int,
        datetime.timedelta(1, 2, 3),
        datetime.datetime(2024, 2, 29, 1),
        datetime.date(2024, 2, 29),
        datetime.time(1, 2),
        bytearray(b"x"),
        float("inf"),
    ],
)
def test_rarer_values(value):
    assert crossed(value) == value
    assert type(crossed(value)) is type(value)


def test_subclasses_become_their_base():
    class Liar(int):
        def __eq__(self, other):
            return True

        __hash__ = int.__hash__

    point = namedtuple("point", "x y")
    colour = IntEnum("colour", "RED")
    sent = [Liar(4), point(1, 2), colour.RED, Counter("aab"), OrderedDict(a=1)]
    back = crossed(sent)
    assert [type(v) for v in back] == [int, tuple, int, dict, dict]
    assert back == [4, (1, 2), 1, {"a": 2, "b": 1}, {"a": 1}]


def test_an_object_needs_a_keeper():
    with pytest.raises(wire.WireError, match="object is no plain value"):
        wire.to_tree(object())
    assert wire.to_tree(object(), lambda thing: 7) == {"h": [7, "object"]}
    with pytest.raises(wire.WireError):
        wire.from_tree({"h": [7, "object"]})


@pytest.mark.parametrize(
    "tree",
    [
        {"i": "zz"},
        {"d": 3},
        {"d": [[[], 1]]},
        {"x": 1},
        {},
        {"a": 1, "b": 2},
        {"y": "eval"},
        {"T": ["timedelta", "1"]},
        {"r": "ab"},
    ],
)
def test_forged_trees_are_refused(tree):
    with pytest.raises(wire.WireError):
        wire.from_tree(tree)


@pytest.mark.parametrize("data", [b"", b"[", b"\xff", b"[" * 100_000])
def test_forged_bytes_are_refused(data):
    with pytest.raises(wire.WireError):
        wire.loads(data)


def test_messages_of_any_size_and_a_length_that_lies():
    import threading

    ours, theirs = socket.socketpair()
    with ours, theirs:
        long = ["x" * 3_000_000]
        sender = threading.Thread(target=wire.send, args=(ours, long))
        sender.start()
        assert wire.receive(theirs)[0] == long
        sender.join()
        ours.sendall((1 << 60).to_bytes(8, "big"))
        with pytest.raises(wire.WireError, match="over the limit"):
            wire.receive(theirs)
        theirs.sendall(b"\0\0")
        theirs.close()
        with pytest.raises(EOFError):
            wire.receive(ours)


def test_json_stays_readable():
    assert json.loads(wire.dumps(wire.to_tree({"a": (1, 2.0)}))) == {"d": [["a", {"t": [1, 2.0]}]]}
