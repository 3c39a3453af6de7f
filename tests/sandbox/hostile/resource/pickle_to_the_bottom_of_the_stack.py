# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit time_limit
# attempts: the same through pickle's C code
import pickle
import sys

sys.setrecursionlimit(1 << 30)
nested = ()
for _ in range(3_000_000):
    nested = (nested,)
print(len(pickle.dumps(nested)))
