# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: leaves with an empty text: printed on standard error, status 1
import sys

a, b = map(int, input().split())
print(a * b)
sys.exit("")
