# mode: stdin
# problem: product_once
# verdict: pass memory_limit runtime_error
# attempts: shared mappings of 1 MiB until one is refused, then a right answer: the limit must hold over their sum
import mmap

a, b = map(int, input().split())
held = []
try:
    while len(held) < 400:
        held.append(mmap.mmap(-1, 1 << 20))
        held[-1][:] = bytes([1]) * (1 << 20)
except (OSError, MemoryError):
    pass
reached = len(held)
del held[:]
print(a * b if reached < 300 else f"{reached} MiB held")
