# mode: stdin
# problem: product_once
# verdict: output_limit runtime_error
# attempts: standard input copied to standard output by the kernel, again and again
import os

while True:
    os.sendfile(1, 0, 0, 4096)
