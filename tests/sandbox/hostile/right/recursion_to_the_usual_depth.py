# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: 998 calls deep, and no more, as in any script


def down(n):
    return 0 if n == 0 else down(n - 1)


a, b = map(int, input().split())
down(998)
try:
    down(999)
except RecursionError:
    print(a * b)
