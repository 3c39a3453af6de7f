# mode: call
# problem: product_call_once
# verdict: wrong_answer output_limit runtime_error
# attempts: 240,000 decimal digits in JSON, which take whoever reads them long
import os


def product(a, b):
    os.write(3, b"9" * 240_000)
    os._exit(0)
