# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: 20,000 calls deep in the main thread
import sys

sys.setrecursionlimit(100_000)


def add(n, b):
    return 0 if n == 0 else add(n - 1, b)


a, b = map(int, input().split())
print(add(20_000, b) + a * b)
