# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: leaves with an integer that no C long holds: status 255
import sys

a, b = map(int, input().split())
print(a * b)
sys.exit(1 << 70)
