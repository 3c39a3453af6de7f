# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: hashing in 8 threads without the interpreter's lock: CPU seconds pass faster than the clock
import hashlib
import threading

for _ in range(8):
    threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"x", b"y", 100_000_000)).start()
