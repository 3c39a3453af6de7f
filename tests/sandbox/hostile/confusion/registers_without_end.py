# mode: stdin
# problem: product_once
# verdict: pass time_limit
# attempts: a function for the end that registers itself again
import atexit


def again():
    atexit.register(again)


a, b = map(int, input().split())
print(a * b, flush=True)
again()
