# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: the right answer, while 20 threads that are no daemons sleep for ever
import threading
import time

a, b = map(int, input().split())
for _ in range(20):
    threading.Thread(target=time.sleep, args=(10_000,)).start()
print(a * b)
