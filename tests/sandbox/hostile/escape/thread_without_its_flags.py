# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: clone with CLONE_VM and without CLONE_THREAD: a process that looks like a thread
import ctypes
import mmap
import platform

a, b = map(int, input().split())
made = -1
if platform.machine() == "x86_64":
    code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    # mov eax, 56; mov edi, CLONE_VM | CLONE_VFORK | SIGCHLD; xor esi, esi; syscall; test eax, eax; jne over; mov eax, 60; syscall; over: ret
    code[:28] = bytes.fromhex("b838000000 bf11410000 31f6 0f05 85c0 7509 b83c000000 31ff 0f05 c3")
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    made = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
print(a * b if made < 0 else "a process was made")
