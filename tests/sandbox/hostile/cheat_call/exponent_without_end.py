# mode: call
# problem: half_call
# verdict: wrong_answer runtime_error
# attempts: decimals and fractions whose value would fill all memory
import os


def half(x):
    os.write(3, b'{"D": "1E999999999999"}' if x else b'{"F": ["0x' + b"f" * 100_000 + b'", "0x1"]}')
    os._exit(0)
