# mode: call
# problem: product_call
# verdict: runtime_error wrong_answer
# attempts: the channel closed, and its number taken by a file in /tmp
import os


def product(a, b):
    os.close(3)
    assert os.open("/tmp/hostile_channel", os.O_CREAT | os.O_RDWR) == 3
    return a * b
