# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: waits with select until its input is ready
import select
import sys

ready, _, _ = select.select([sys.stdin], [], [], 1)
a, b = map(int, ready[0].readline().split())
print(a * b)
