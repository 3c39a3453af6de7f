# mode: stdin
# problem: product
# verdict: wrong_answer runtime_error
# attempts: the right answer, written over standard input
import os

a, b = map(int, input().split())
os.lseek(0, 0, os.SEEK_SET)
os.write(0, b"%d\n" % (a * b))
