# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: the right number in other words: a sign, a point, zeros in front
a, b = map(int, input().split())
print(f"{a * b:+d}" if a * b > 0 else f"{a * b}.0")
