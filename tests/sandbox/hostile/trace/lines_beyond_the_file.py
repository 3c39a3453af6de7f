# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: code objects with line numbers of two thousand million, and none
a, b = map(int, input().split())


def moved():
    return 1


for line in (0, 1, 5000, (1 << 31) - 10):
    exec(moved.__code__.replace(co_firstlineno=line))
exec(moved.__code__.replace(co_linetable=b""))
print(a * b)
