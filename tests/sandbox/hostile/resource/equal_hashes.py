# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: a dict of integers that all have the same hash
step = (1 << 61) - 1
table = {}
for n in range(1, 200_000):
    table[n * step] = n
print(len(table))
