# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: a wrong digit, taken back
a, b = map(int, input().split())
print("9\b" + str(a * b))
