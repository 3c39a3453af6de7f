# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: the right answer, then KeyboardInterrupt
import signal

a, b = map(int, input().split())
print(a * b, flush=True)
signal.raise_signal(signal.SIGINT)
