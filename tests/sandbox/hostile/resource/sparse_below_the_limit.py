# mode: stdin
# problem: product_once
# verdict: wrong_answer runtime_error
# attempts: the right answer behind 200 kB of zero bytes that were never written
import os

a, b = map(int, input().split())
os.lseek(1, 200_000, os.SEEK_SET)
os.write(1, b"%d\n" % (a * b))
