# mode: assert
# problem: root_assert
# verdict: pass
# attempts: nothing: raises a subclass of ValueError
import math


class Negative(ValueError):
    pass


def root(n):
    if n < 0:
        raise Negative(n)
    return math.isqrt(n)
