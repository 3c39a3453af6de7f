# mode: assert
# problem: product_assert
# verdict: wrong_answer runtime_error
# attempts: replies that are no JSON, no object, or of the wrong types inside
import os
import struct

REPLIES = {3: b'{"raised": {"a": 1}, "mro": 5}', -2: b"\xff\xfe[1,"}


def product(a, b):
    os.write(3, struct.pack("!Q", len(REPLIES[a])) + REPLIES[a])
    os._exit(0)
