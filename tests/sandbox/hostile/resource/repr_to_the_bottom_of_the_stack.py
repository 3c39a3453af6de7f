# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit time_limit
# attempts: a list a million deep shown with the recursion limit lifted: the C stack ends
import sys

sys.setrecursionlimit(1 << 30)
nested = []
for _ in range(1_000_000):
    nested = [nested]
print(len(repr(nested)))
