# mode: stdin
# problem: product_once
# verdict: memory_limit runtime_error
# attempts: one allocation of 1 TiB
text = "x" * (1 << 40)
print(12)
