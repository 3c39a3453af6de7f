# mode: stdin
# problem: product_once
# verdict: output_limit
# attempts: a right answer and 300 kB of empty lines, which are no content but are output
a, b = map(int, input().split())
print(a * b)
print("\n" * 300_000)
