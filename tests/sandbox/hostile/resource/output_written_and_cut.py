# mode: stdin
# problem: product_once
# verdict: pass runtime_error output_limit
# attempts: 10 MB of output, cut to nothing whenever it comes near the limit, then the right answer
import os

a, b = map(int, input().split())
for _ in range(50):
    os.write(1, b"x" * 200_000)
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
print(a * b)
