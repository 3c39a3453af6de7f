# mode: assert
# problem: product_assert_once
# verdict: wrong_answer runtime_error time_limit output_limit
# attempts: replies without end before any question
import os
import struct

reply = b'{"value":0}'
while True:
    os.write(3, (struct.pack("!Q", len(reply)) + reply) * 1000)
