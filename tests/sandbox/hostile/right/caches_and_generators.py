# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: lru_cache, generators that are closed late, context variables
import contextvars
import functools

current = contextvars.ContextVar("current", default=1)


@functools.lru_cache(maxsize=None)
def times(a, b):
    return 0 if b == 0 else times(a, b - 1) + a


def numbers():
    try:
        yield from map(int, input().split())
    finally:
        current.set(2)


source = numbers()
a, b = next(source), next(source)
print(times(a, abs(b)) * (1 if b > 0 else -1))
