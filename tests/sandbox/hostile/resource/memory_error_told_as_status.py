# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit
# attempts: MemoryError caught, then an exit status other than 0
import sys

try:
    held = [bytearray(16 << 20) for _ in range(1000)]
except MemoryError:
    sys.exit(3)
