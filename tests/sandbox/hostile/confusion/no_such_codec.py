# -*- coding: no-such-codec -*-
# mode: stdin
# problem: product
# verdict: compile_error pass
# attempts: a coding line that names no codec
a, b = map(int, input().split())
print(a * b)
