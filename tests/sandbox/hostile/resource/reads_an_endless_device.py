# mode: stdin
# problem: product_once
# verdict: memory_limit runtime_error
# attempts: /dev/zero read to its end
data = open("/dev/zero", "rb").read()
print(12)
