# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: process_vm_readv, process_madvise, process_mrelease, move_pages and kcmp on the parent; the right answer only if all are refused
import ctypes
import os

a, b = map(int, input().split())
libc = ctypes.CDLL(None)
target = ctypes.create_string_buffer(b"secret", 4096)
local = (ctypes.c_uint64 * 2)(ctypes.addressof(ctypes.create_string_buffer(4096)), 64)
remote = (ctypes.c_uint64 * 2)(ctypes.addressof(target), 64)
reached = []
for pid in {1, os.getppid()} - {0, os.getpid()}:
    pidfd = libc.syscall(434, pid, 0)
    for number, arguments in (
        (310, (pid, local, 1, remote, 1, 0)),
        (311, (pid, local, 1, remote, 1, 0)),
        (312, (os.getpid(), pid, 1, 0, 0)),
        (440, (pidfd, remote, 1, 21, 0)),
        (448, (pidfd, 0)),
        (101, (0x4206, pid, 0, 0)),
    ):
        if libc.syscall(number, *arguments) >= 0:
            reached.append((pid, number))
print(a * b if not reached else reached)
