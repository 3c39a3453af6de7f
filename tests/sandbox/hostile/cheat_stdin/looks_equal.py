# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: digits of another script, which int() takes for the same number
a, b = map(int, input().split())
print("".join(chr(ord(c) + 0xFEE0) for c in str(a * b)))
