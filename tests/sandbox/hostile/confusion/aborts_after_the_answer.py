# mode: stdin
# problem: product_once
# verdict: runtime_error
# attempts: the right answer, then SIGABRT
import os

a, b = map(int, input().split())
print(a * b, flush=True)
os.abort()
