# mode: stdin
# problem: product
# verdict: pass wrong_answer runtime_error
# attempts: makes every descriptor a copy of standard output, then prints the right answer
import os

a, b = map(int, input().split())
for fd in range(3, 64):
    try:
        os.dup2(1, fd)
    except OSError:
        break
print(a * b)
