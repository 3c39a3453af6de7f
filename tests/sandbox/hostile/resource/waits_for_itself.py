# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: a lock taken twice: no CPU, no end
import threading

lock = threading.Lock()
lock.acquire()
print(12, flush=True)
lock.acquire()
