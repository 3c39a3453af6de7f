# mode: stdin
# problem: product
# verdict: pass
# attempts: source that the compiler warns of, a few times
a, b = map(int, input().split())
assert (a * b) is not 3.5, "\d"
print(a * b) if a is not () else None
