# mode: stdin
# problem: product_once
# verdict: memory_limit runtime_error
# attempts: memory taken from the kernel by sbrk, past every allocator
import ctypes

libc = ctypes.CDLL(None)
libc.sbrk.restype = ctypes.c_void_p
libc.sbrk.argtypes = [ctypes.c_long]
taken = 0
while taken < 1024:
    at = libc.sbrk(1 << 20)
    if at == ctypes.c_void_p(-1).value:
        raise MemoryError(f"refused after {taken} MiB")
    ctypes.memset(at, 1, 1 << 20)
    taken += 1
print(12)
