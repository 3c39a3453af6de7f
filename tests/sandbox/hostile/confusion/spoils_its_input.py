# mode: stdin
# problem: product
# verdict: pass
# attempts: writes over its input, makes it longer and empty, after it was read
import contextlib
import os

a, b = map(int, input().split())
for act in (lambda: os.pwrite(0, b"5 5\n" * 100, 0), lambda: os.ftruncate(0, 100_000), lambda: os.ftruncate(0, 0)):
    with contextlib.suppress(OSError):
        act()
print(a * b)
