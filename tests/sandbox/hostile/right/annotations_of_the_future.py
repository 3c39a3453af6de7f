# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: annotations as text, resolved by typing
from __future__ import annotations

import typing
from typing import NamedTuple


class Pair(NamedTuple):
    a: int
    b: int


assert typing.get_type_hints(Pair) == {"a": int, "b": int}
pair = Pair(*map(int, input().split()))
print(pair.a * pair.b)
