"""Is this output the expected one? Decided outside the jail, on bytes and plain data. A problem names its rule.

Text (mode stdin) is lines of words. Blanks are space, tab and carriage return, and a line ends at a line feed; everything
else is content: case, order, Unicode form, NUL, form feeds, no-break spaces, bytes that are no UTF-8.

  exact         the same lines, trailing blanks and trailing empty lines aside
  tokens        the same lines of words; the width of blanks, and empty lines, are no content
  numbers       as tokens, but numbers may differ within the tolerance; two integers may not
  unordered     the lines of `exact` in any order, empty lines aside
  codecontests  CodeContests' own evaluation: words in lower case, numbers within 1e-5, lines are no content
  apps          APPS' own evaluation, which can accept wrong answers: `_apps_text` says which

Values (mode call) are plain data as JSON has it: a tuple counts as a list, a dict's keys are compared as JSON writes them.

  exact         equal and of the same type: int is not float is not bool
  numbers       as exact, but a float may differ from an int or a float within the tolerance; two integers may not
  unordered     as exact; where both are lists, the order of the outermost list is free
  equal         as Python's ==: 1 is 1.0 is True
  apps          APPS' own evaluation: as equal, and an expected list [x] also stands for x

A number in a text is decimal, [+-]digits[.digits][e[+-]digits]; 1_000, 0x1F, inf and other scripts' digits are words.
`got` is within the tolerance t of `want` where |got - want| <= t or |got - want| <= t * |want|, in double precision.
Integers are compared at any length. NaN equals nothing, in values and as a word where numbers are compared.
Hostile output costs time and memory in proportion to its length; of values nested too deeply Python raises RecursionError.
"""

from __future__ import annotations

import itertools
import json
import math
import operator
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import zip_longest
from typing import Any

RULES: dict[str, tuple[str, ...]] = {  # mode → the rules that a problem of it may name
    "stdin": ("exact", "tokens", "numbers", "unordered", "codecontests", "apps"),
    "call": ("exact", "numbers", "unordered", "equal", "apps"),
    "assert": ("exact",),  # the test code compares; no other rule would be asked
}
TOLERANCE = 1e-6  # of the rule `numbers`, where a problem says nothing

BLANKS = b" \t\r"
WORD = re.compile(rb"[^ \t\r\n]+")
NUMBER = re.compile(rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
INTEGER = re.compile(rb"[+-]?[0-9]+")
KEY_BITS = 14_000  # a longer int is no dict key: writing it would cost the square of its length


def output_equal(output: bytes, expected: str, rule: str, tolerance: float) -> bool:
    """Whether a program's output is the expected text, by one of `RULES["stdin"]`. Only `numbers` reads the tolerance."""
    wanted = expected.encode("utf-8", "surrogateescape")
    match rule:
        case "exact":
            return _lines(output) == _lines(wanted)
        case "tokens":
            return _same_words(output, wanted, operator.eq)
        case "numbers":
            return _same_words(output, wanted, lambda got, want: _near_words(got, want, lambda a, b: _near(a, b, tolerance)))
        case "unordered":
            return sorted(filter(None, _lines(output))) == sorted(filter(None, _lines(wanted)))
        case "codecontests":
            return _codecontests(output, wanted)
        case "apps":
            return _apps_text(output, wanted)
    raise ValueError(f"rule {rule!r} is not one of {', '.join(RULES['stdin'])}")


def values_equal(value: object, expected: object, rule: str, tolerance: float) -> bool:
    """Whether a returned value is the expected JSON value, by one of `RULES["call"]`. Only `numbers` reads the tolerance.

    value: of exact built-in types, as `sandbox.outcome` decodes it. Raises RecursionError for deep nesting.
    """
    match rule:
        case "exact":
            return _same_values(value, expected, _same_numbers)
        case "numbers":
            return _same_values(value, expected, lambda got, want: _near_numbers(got, want, tolerance))
        case "unordered":
            if isinstance(value, (list, tuple)) and isinstance(expected, list):
                value, expected = sorted(value, key=_sort_key), sorted(expected, key=_sort_key)
            return _same_values(value, expected, _same_numbers)
        case "equal":
            return _same_values(value, expected, operator.eq)
        case "apps":
            unwrapped = expected[:1] if isinstance(expected, list) else []
            return any(_same_values(value, meant, operator.eq) for meant in [expected, *unwrapped])
    raise ValueError(f"rule {rule!r} is not one of {', '.join(RULES['call'])}")


def _lines(text: bytes) -> list[bytes]:
    """Lines without their trailing blanks, without trailing empty lines."""
    lines = [line.rstrip(BLANKS) for line in text.split(b"\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _words(text: bytes) -> Iterator[list[bytes]]:
    """The words of each line that has any."""
    return filter(None, map(WORD.findall, text.split(b"\n")))


def _same_words(output: bytes, wanted: bytes, same: Callable[[bytes, bytes], bool]) -> bool:
    """Whether both have as many lines, as many words in each, and all the words are the same. Stops at the first that is not."""
    return all(
        len(got) == len(want) and all(map(same, got, want))
        for got, want in zip_longest(_words(output), _words(wanted), fillvalue=())
    )


def _near_words(got: bytes, want: bytes, near: Callable[[float, float], bool]) -> bool:
    """Integers that are equal, other numbers that are near, or the same word that is not NaN."""
    if INTEGER.fullmatch(got) and INTEGER.fullmatch(want):
        return _integer(got) == _integer(want)
    if got == want:
        return want.lower().lstrip(b"+-") != b"nan"
    return near(_number(got), _number(want))


def _integer(word: bytes) -> tuple[bool, bytes]:
    """(negative, digits) of an integer, without the cost of converting it; 0 is not negative."""
    digits = word.lstrip(b"+-").lstrip(b"0")
    return bool(digits) and word.startswith(b"-"), digits


def _number(word: bytes) -> float:
    """The number that a word writes; NaN, which equals nothing, where it writes none or one beyond the range of doubles."""
    number = float(word) if NUMBER.fullmatch(word) else math.nan
    return number if math.isfinite(number) else math.nan


def _near(got: float, want: float, tolerance: float) -> bool:
    """The tolerance's definition, for finite numbers; NaN is near nothing."""
    return abs(got - want) <= max(tolerance, tolerance * abs(want))


def _codecontests(output: bytes, wanted: bytes) -> bool:
    """Words in lower case, lines or not; numbers less than 1e-5 apart; a vertical tab is a blank here.

    Two integers must be equal, also where doubles cannot tell them apart.
    """
    got, want = (WORD.findall(text.lower().replace(b"\v", b" ")) for text in (output, wanted))
    if got == want:
        return True
    return len(got) == len(want) and all(
        _near_words(a, b, lambda x, y: abs(x - y) < 1e-5) for a, b in zip(got, want, strict=True)
    )


def _apps_text(output: bytes, wanted: bytes) -> bool:
    """APPS' own evaluation (Hendrycks et al., arXiv 2105.09938), which is kind to programs and can accept wrong answers.

    Empty lines aside, one of three must hold: the sets of words of the lines are the same, as a set; each line is one
    number, and |got - want| <= 1e-8 + 1e-5 * |want| line by line; all words are numbers, and the sets of sets are the same
    once numbers are rounded to three digits. So 2 1 1 passes for 1 2, a line may come twice, and 100001 passes for 100000.
    Kinder than the original in one point: a line of blanks counts as empty.
    """
    if _same_sets(map(frozenset, _words(output)), {frozenset(words) for words in _words(wanted)}):
        return True
    if all(
        len(got) == len(want) == 1 and abs(_number(got[0]) - _number(want[0])) <= 1e-8 + 1e-5 * abs(_number(want[0]))
        for got, want in zip_longest(_words(output), _words(wanted), fillvalue=())
    ):
        return True
    rounded = {frozenset(map(_rounded, words)) for words in _words(wanted)}
    known = frozenset[float]().union(*rounded)
    return not any(map(math.isnan, known)) and _same_sets((_all_known(words, known) for words in _words(output)), rounded)


def _rounded(word: bytes) -> float:
    """The number that a word writes, rounded to three digits; NaN where it writes none."""
    number = _number(word)
    return round(number, 3) if abs(number) < 1 << 52 else number  # from there on it has no fraction, and rounding takes long


def _all_known(words: list[bytes], known: frozenset[float]) -> frozenset[float] | None:
    """The rounded numbers of a line; None where one is not known: no set is made of numbers that were chosen for equal hashes."""
    numbers = list(itertools.takewhile(known.__contains__, map(_rounded, words)))
    return frozenset(numbers) if len(numbers) == len(words) else None


def _same_sets(found: Iterable[frozenset[Any] | None], wanted: set[Any]) -> bool:
    """Whether the set of what is found is the wanted one; holds nothing that is not wanted, since output may be large."""
    seen = set()
    for each in found:
        if each not in wanted:
            return False
        seen.add(each)
    return len(seen) == len(wanted)


def _same_values(value: Any, expected: Any, same: Callable[[Any, Any], bool]) -> bool:
    """Whether two values have the same form and content, where `same` decides on each pair of int, float or bool."""
    if type(value) in (int, float, bool) and type(expected) in (int, float, bool):
        return bool(same(value, expected))
    if type(value) in (list, tuple) and type(expected) is list:
        return len(value) == len(expected) and all(_same_values(v, e, same) for v, e in zip(value, expected, strict=True))
    if type(value) is dict and type(expected) is dict:
        keyed = {json_key(key): item for key, item in value.items()}
        return (
            len(keyed) == len(value)
            and keyed.keys() == expected.keys()
            and all(_same_values(keyed[key], expected[key], same) for key in keyed)
        )
    return type(value) is type(expected) and type(value) in (str, type(None)) and bool(value == expected)


def _same_numbers(got: float, want: float) -> bool:
    return type(got) is type(want) and got == want


def _near_numbers(got: float, want: float, tolerance: float) -> bool:
    """Of int, float and bool: `_near` where one is a float and the other no bool; else the same."""
    if float not in (type(got), type(want)) or bool in (type(got), type(want)):
        return _same_numbers(got, want)
    finite = all(abs(number) <= sys.float_info.max for number in (got, want))  # an int may be too long for a double
    return got == want or (finite and _near(float(got), float(want), tolerance))


def json_key(key: Any) -> str | None:
    """A dict's key as JSON writes it; None, which no expected key is, for what JSON cannot write."""
    if type(key) is str:
        return key
    if type(key) not in (int, float, bool, type(None)) or key != key or (type(key) is int and key.bit_length() > KEY_BITS):
        return None
    return json.dumps(key)


def _sort_key(value: Any) -> str:
    """Text that is the same for values that `exact` calls equal, and differs for others; what is no plain data sorts anywhere."""
    if type(value) is int:
        return hex(value)  # linear, as decimal digits are not
    if type(value) is float:
        return (value + 0.0).hex()  # -0.0 equals 0.0
    if type(value) in (list, tuple):
        return f"[{','.join(map(_sort_key, value))}]"
    if type(value) is dict:
        return f"{{{','.join(sorted(f'{json_key(key)!r}:{_sort_key(item)}' for key, item in value.items()))}}}"
    return repr(value) if type(value) in (str, bool, type(None)) else ""
