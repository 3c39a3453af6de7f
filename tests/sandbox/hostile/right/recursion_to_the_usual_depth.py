# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: 998 calls deep, as in any script, where a line runs first at the deepest too; and hardly more
import sys


def down(n):
    if n == 0:
        return 0
    return down(n - 1)


a, b = map(int, input().split())
down(998)
try:
    down(999 if sys.version_info < (3, 12) else 1000)  # the call that reports a line has a level there
except RecursionError:
    print(a * b)
