# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: code objects in a dict and in a set
def product(a, b):
    return a * b


calls = {product.__code__: 0}
calls[product.__code__] += 1
assert len({product.__code__, (lambda: 0).__code__}) == 2
a, b = map(int, input().split())
print(product(a, b))
