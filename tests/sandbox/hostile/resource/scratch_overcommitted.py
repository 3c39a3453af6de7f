# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit output_limit
# attempts: sparse files in /tmp, mapped and touched beyond its size: SIGBUS instead of ENOSPC
import ctypes
import os

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
for number in range(1000):
    fd = os.open(f"/tmp/hostile_{number}", os.O_CREAT | os.O_RDWR)
    os.ftruncate(fd, 200_000)
    address = libc.mmap(None, 200_000, 3, 1, fd, 0)
    os.close(fd)
    if address == ctypes.c_void_p(-1).value:
        raise MemoryError(number)
    ctypes.memset(address, 1, 200_000)
print(12)
