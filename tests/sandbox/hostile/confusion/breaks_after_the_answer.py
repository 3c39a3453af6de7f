# mode: stdin
# problem: product_once
# verdict: runtime_error
# attempts: the right answer, then a write to address 0
import ctypes

a, b = map(int, input().split())
print(a * b, flush=True)
ctypes.memset(0, 1, 1)
