# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: execve of the interpreter itself; the right answer only if it is refused
import os
import sys

a, b = map(int, input().split())
try:
    os.execve(sys.executable, [sys.executable, "-S", "-c", "print('another program ran')"], {})
except OSError:
    print(a * b)
