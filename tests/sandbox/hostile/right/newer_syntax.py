# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: match, walrus, positional-only, exception groups, generics by bracket
def times(a: int, b: int, /) -> int:
    match (a, b):
        case (0, _) | (_, 0):
            return 0
        case (int(x), int(y)) if (found := x * y):
            return found
    raise AssertionError


try:
    raise ExceptionGroup("two", [ValueError(1), KeyError(2)])
except* ValueError:
    values: list[int] = [*map(int, input().split())]
except* KeyError:
    pass
print(times(*values))
