# mode: assert
# problem: product_assert
# verdict: wrong_answer runtime_error output_limit
# attempts: a reply 200,000 brackets deep, and one of 240,000 digits
import os
import struct


def product(a, b):
    value = b"[" * 100_000 + b"]" * 100_000 if a > 0 else b"9" * 240_000
    reply = b'{"value":' + value + b"}"
    os.write(3, struct.pack("!Q", len(reply)) + reply)
    os._exit(0)
