# mode: stdin
# problem: product_once
# verdict: memory_limit runtime_error
# attempts: 512 MiB of shared anonymous memory, which a limit on private memory does not count
import mmap

memory = mmap.mmap(-1, 512 << 20, flags=mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
for offset in range(0, len(memory), 4096):
    memory[offset] = 1
a, b = map(int, input().split())
print(a * b)
