# mode: stdin
# problem: product
# verdict: pass
# attempts: leaves with status 256, which arrives as 0
import sys

a, b = map(int, input().split())
print(a * b)
sys.exit(256)
