# mode: call
# problem: product_call
# verdict: pass
# attempts: nothing: the entry point is an object with __call__
from functools import partial


class Times:
    def __call__(self, a, b, c=1):
        return a * b * c


product = partial(Times(), c=1)
