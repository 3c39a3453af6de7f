# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: a second process by fork; the right answer only if it is refused
import os

a, b = map(int, input().split())
try:
    child = os.fork()
except OSError:
    print(a * b)
else:
    if child == 0:
        os._exit(0)
    print("a process was made")
