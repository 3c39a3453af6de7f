# mode: assert
# problem: product_assert
# verdict: pass
# attempts: nothing: prints, logs and reads an empty input while it answers
import sys


def product(a, b):
    print("working", a, b)
    print("working", file=sys.stderr)
    assert sys.stdin.read() == ""
    return a * b
