# mode: stdin
# problem: product_once
# verdict: runtime_error
# attempts: the right answer, then SIGPIPE with its default action
import os
import signal

a, b = map(int, input().split())
print(a * b, flush=True)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
reader, writer = os.pipe()
os.close(reader)
os.write(writer, b"x")
