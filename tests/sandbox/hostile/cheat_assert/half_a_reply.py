# mode: assert
# problem: product_assert_once
# verdict: time_limit runtime_error
# attempts: a reply that is begun and never ended
import os
import struct
import time


def product(a, b):
    os.write(3, struct.pack("!Q", 100) + b'{"value":')
    time.sleep(60)
