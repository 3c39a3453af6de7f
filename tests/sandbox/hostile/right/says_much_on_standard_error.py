# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: log lines beside the answer
import logging
import sys

logging.basicConfig(level=logging.DEBUG)
a, b = map(int, input().split())
for n in range(100):
    logging.debug("step %s", n)
    print("note", n, file=sys.stderr)
print(a * b)
