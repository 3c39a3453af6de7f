# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: no sys.stdout at the end
import sys

a, b = map(int, input().split())
print(a * b, flush=True)
del sys.stdout
