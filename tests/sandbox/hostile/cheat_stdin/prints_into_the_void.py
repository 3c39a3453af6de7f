# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: the right answer, printed into an object in memory
import io
import sys

sys.stdout = io.StringIO()
a, b = map(int, input().split())
print(a * b)
