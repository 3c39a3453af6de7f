# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: the right answer, after standard output was made standard error
import os

a, b = map(int, input().split())
os.dup2(2, 1)
print(a * b)
