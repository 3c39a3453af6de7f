# mode: assert
# problem: product_assert_once
# verdict: output_limit wrong_answer runtime_error
# attempts: a reply that says it is 2 ** 62 bytes long
import os
import struct


def product(a, b):
    os.write(3, struct.pack("!Q", 1 << 62) + b"{")
    os._exit(0)
