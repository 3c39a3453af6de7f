# mode: call
# problem: words_call
# verdict: wrong_answer output_limit runtime_error
# attempts: 200,000 opening brackets on the channel
import os


def words(text):
    os.write(3, b"[" * 200_000)
    os._exit(0)
