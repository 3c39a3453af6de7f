# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: leaves a mark in every place that may outlive a process, and fails where it finds one: message queues, keys, shared memory, masks, names
import ctypes
import os
import platform

a, b = map(int, input().split())
libc = ctypes.CDLL(None)
seen = []
if platform.machine() == "x86_64":
    for name, look, make in (
        ("queue", (240, b"hostile_mark", 0, 0, 0), (240, b"hostile_mark", 0o102, 0o666, 0)),
        ("shared memory", (29, 0x5B18, 0, 0), (29, 0x5B18, 4096, 0o1666)),
        ("semaphores", (64, 0x5B18, 0, 0), (64, 0x5B18, 1, 0o1666)),
        ("messages", (68, 0x5B18, 0), (68, 0x5B18, 0o1666)),
        ("user key", (250, 10, -4, b"user", b"hostile_mark", 0), (248, b"user", b"hostile_mark", b"x", 1, -4)),
        ("session key", (250, 10, -3, b"user", b"hostile_mark", 0), (248, b"user", b"hostile_mark", b"x", 1, -3)),
    ):
        if libc.syscall(*look) >= 0:
            seen.append(name)
        libc.syscall(*make)
if os.umask(0o777) == 0o777:
    seen.append("mask")
if os.path.exists("/tmp/hostile_mark"):
    seen.append("file")
os.close(os.open("/tmp/hostile_mark", os.O_CREAT | os.O_WRONLY))
print(a * b if not seen else seen)
