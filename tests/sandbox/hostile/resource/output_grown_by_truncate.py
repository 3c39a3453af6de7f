# mode: stdin
# problem: product_once
# verdict: runtime_error output_limit wrong_answer
# attempts: ftruncate of standard output to 1 TiB
import os

print(12, flush=True)
os.ftruncate(1, 1 << 40)
