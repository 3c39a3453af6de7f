# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: memory in memfd files, outside every limit of the process; the right answer only if they are refused
import os

a, b = map(int, input().split())
try:
    fd = os.memfd_create("hostile")
except OSError:
    print(a * b)
else:
    print("memory without a limit", fd)
