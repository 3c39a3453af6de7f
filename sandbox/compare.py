"""Is this output the expected one? Decided outside the jail, on bytes and plain data.

stdin: equal line by line; line ends, trailing blanks and trailing empty lines are no content.
call: equal as JSON values of exact type: int is not float is not bool, a tuple counts as a list, NaN equals nothing.
Under a problem's rule `equal`, numbers are what Python's == says: 1 is 1.0 is True.
"""

from __future__ import annotations

import json
from typing import Any


def lines_equal(output: bytes, expected: str) -> bool:
    """Whether a program's output is the expected text."""
    return _content(output) == _content(expected.encode("utf-8", "surrogateescape"))


def _content(text: bytes) -> list[bytes]:
    lines = [line.rstrip() for line in text.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def values_equal(value: Any, expected: Any, compare: str = "exact") -> bool:
    """Whether a returned value (decoded from a jail) is the expected JSON value, by the problem's rule `compare`."""
    if type(value) is tuple:
        value = list(value)
    if compare == "equal" and type(value) in (int, float, bool) and type(expected) in (int, float, bool):
        return bool(value == expected)
    if type(value) is not type(expected):
        return False
    if type(value) is list:
        return len(value) == len(expected) and all(values_equal(v, e, compare) for v, e in zip(value, expected, strict=True))
    if type(value) is dict:
        keyed = {_json_key(key): item for key, item in value.items()}
        return keyed.keys() == expected.keys() and all(values_equal(keyed[key], expected[key], compare) for key in keyed)
    return type(value) in (int, float, bool, str, type(None)) and bool(value == expected)


def _json_key(key: Any) -> str | None:
    """A dict's key as JSON writes it; None, which no expected key is, for what JSON cannot write."""
    if type(key) is str:
        return key
    return json.dumps(key) if type(key) in (int, float, bool, type(None)) else None
