# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: nothing: opens /dev/stdin, which a jail without /proc may not have
a, b = map(int, open("/dev/stdin").read().split())
print(a * b)
