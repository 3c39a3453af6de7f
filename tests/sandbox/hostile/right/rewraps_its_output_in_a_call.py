# mode: call
# problem: product_call
# verdict: pass
# attempts: nothing: the idiom of Python 2's days, and it prints beside the answer
import codecs
import sys

sys.stdout = codecs.getwriter("utf-8")(sys.stdout.detach())


def product(a, b):
    print("factors", a, b)
    return a * b
