# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: a list 200,000 deep, made and dropped
a, b = map(int, input().split())
nested = []
for _ in range(200_000):
    nested = [nested]
del nested
print(a * b)
