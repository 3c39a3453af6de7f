# mode: stdin
# problem: product_once
# verdict: runtime_error pass
# attempts: the right answer, then an exception whose hook ends the process with status 0, as a script's would
import os
import sys

sys.excepthook = lambda *_: os._exit(0)
a, b = map(int, input().split())
print(a * b, flush=True)
raise ValueError("after the answer")
