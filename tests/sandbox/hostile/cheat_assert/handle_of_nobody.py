# mode: assert
# problem: product_assert
# verdict: wrong_answer runtime_error
# attempts: a handle that it never gave out, and a negative one
import os
import struct


def product(a, b):
    reply = b'{"value":{"h":[%d,"int"]}}' % (-1 if a > 0 else 1 << 70)
    os.write(3, struct.pack("!Q", len(reply)) + reply)
    os._exit(0)
