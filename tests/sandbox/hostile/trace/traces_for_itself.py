# mode: stdin
# problem: product
# verdict: pass
# attempts: trace functions that raise, return what is none, and are set in every thread
import contextlib
import sys
import threading

a, b = map(int, input().split())


def raising(frame, event, argument):
    raise ValueError(event)


threading.settrace(lambda *_: 5)
thread = threading.Thread(target=lambda: sum(range(10)))
with contextlib.suppress(Exception):
    thread.start()
    thread.join()
threading.settrace(None)
sys.settrace(raising)
try:
    (lambda: 1)()
except ValueError:
    sys.settrace(None)
print(a * b)
