# -*- coding: punycode -*-
# mode: stdin
# problem: product
# verdict: compile_error pass
# attempts: a coding line that names a codec of another kind
a, b = map(int, input().split())
print(a * b)
