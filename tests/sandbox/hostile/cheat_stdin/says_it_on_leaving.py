# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: the right answer as the argument of sys.exit: on standard error, with status 1
import sys

a, b = map(int, input().split())
sys.exit(str(a * b))
