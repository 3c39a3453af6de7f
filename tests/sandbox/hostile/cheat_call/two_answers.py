# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: two values on the channel, the right one last
import os


def product(a, b):
    os.write(3, b"0 ")
    return a * b
