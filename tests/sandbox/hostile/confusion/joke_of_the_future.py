# mode: stdin
# problem: product
# verdict: compile_error
# attempts: a __future__ import that does not exist
from __future__ import braces

a, b = map(int, input().split())
print(a * b)
