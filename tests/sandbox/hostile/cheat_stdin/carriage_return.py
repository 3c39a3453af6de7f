# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: a wrong number that a terminal would overwrite with the right one
a, b = map(int, input().split())
print("99999\r\x1b[2K" + str(a * b))
