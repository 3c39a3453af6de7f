# mode: stdin
# problem: product
# verdict: pass
# attempts: leaves with False, which is status 0
import sys

a, b = map(int, input().split())
print(a * b)
sys.exit(False)
