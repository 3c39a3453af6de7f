# mode: stdin
# problem: product_once
# verdict: runtime_error output_limit wrong_answer
# attempts: one byte at offset 2^30 of standard output, so that a judge which reads the file whole takes 1 GiB
import os

os.lseek(1, 1 << 30, os.SEEK_SET)
os.write(1, b"x")
