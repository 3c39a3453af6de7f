# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: leaves marks in the times and flags of /tmp itself, and fails where it finds one
import contextlib
import fcntl
import os
import struct

a, b = map(int, input().split())
seen = os.stat("/tmp").st_mtime_ns == 123456789
folder = os.open("/tmp", os.O_RDONLY)
with contextlib.suppress(OSError):
    flags = struct.unpack("l", fcntl.ioctl(folder, 0x80086601, struct.pack("l", 0)))[0]
    seen = seen or bool(flags & 0x80)
    fcntl.ioctl(folder, 0x40086602, struct.pack("l", flags | 0x80))  # no access times
with contextlib.suppress(OSError):
    os.utime("/tmp", ns=(123456789, 123456789))
print(a * b if not seen else "a mark of the test before")
