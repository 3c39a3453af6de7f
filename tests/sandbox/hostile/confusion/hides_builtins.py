# mode: stdin
# problem: product
# verdict: pass
# attempts: deletes the built-in functions that a harness may need after it
import builtins

a, b = map(int, input().split())
print(a * b)
for name in dir(builtins):
    if name not in ("__import__", "__build_class__", "delattr"):
        delattr(builtins, name)
