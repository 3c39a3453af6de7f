# mode: stdin
# problem: product
# verdict: runtime_error wrong_answer
# attempts: closes all descriptors, standard ones too, then prints the right answer
import os

a, b = map(int, input().split())
os.closerange(0, 4096)
print(a * b)
