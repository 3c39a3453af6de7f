# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: the right answer, then an endless loop in a function that runs at the end
import atexit


def spin():
    while True:
        pass


a, b = map(int, input().split())
print(a * b, flush=True)
atexit.register(spin)
