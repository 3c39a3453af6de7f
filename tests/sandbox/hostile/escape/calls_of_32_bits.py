# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: the door for 32-bit programs (int 0x80), where every system call has another number; the right answer only if it is shut
import ctypes
import mmap
import platform

a, b = map(int, input().split())
got = -1
if platform.machine() == "x86_64":
    code = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)  # MAP_32BIT
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    code[2048:2056] = b"hostile\0"
    # push rbx; mov eax, 356 (memfd_create); mov ebx, name; xor ecx, ecx; int 0x80; pop rbx; ret
    text = b"\x53\xb8\x64\x01\x00\x00\xbb" + (address + 2048).to_bytes(4, "little") + b"\x31\xc9\xcd\x80\x5b\xc3"
    code[: len(text)] = text
    got = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
print(a * b if got < 0 else "a 32-bit call was taken")
