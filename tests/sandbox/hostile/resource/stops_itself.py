# mode: stdin
# problem: product_once
# verdict: time_limit runtime_error
# attempts: SIGSTOP to itself: neither running nor dead
import os
import signal

print(12, flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
raise SystemExit("nobody stopped it")
