# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: a wrong answer through one stream and the right one through another, over each other
import os

a, b = map(int, input().split())
print("0" * 30, flush=True)
os.pwrite(1, b"%d" % (a * b), 0)
