# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: RecursionError caught in Python and in C code
import json

a, b = map(int, input().split())


def endless():
    return endless() + 1


for attempt in (endless, lambda: json.loads("[" * 100_000)):
    try:
        attempt()
        print("no error")
    except RecursionError:
        pass
print(a * b)
