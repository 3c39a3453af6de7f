# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error output_limit time_limit
# attempts: a thread that writes to the channel all the time
import os
import threading


def write():
    while True:
        os.write(3, b" 12")


def product(a, b):
    threading.Thread(target=write, daemon=True).start()
    return 0
