# mode: call
# problem: half_call
# verdict: wrong_answer runtime_error
# attempts: NaN, Infinity and repeated keys, written as JSON that is none
import os


def half(x):
    os.write(3, b'{"c": [NaN, Infinity], "c": [NaN, -Infinity]}')
    os._exit(0)
