# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: the newer mount calls: fsopen, open_tree, mount_setattr, and the old ones on /tmp; the right answer only if all are refused
import ctypes
import platform

a, b = map(int, input().split())
libc = ctypes.CDLL(None)
done = []
if platform.machine() == "x86_64":
    attributes = (ctypes.c_uint64 * 4)()
    for name, number, arguments in (
        ("fsopen", 430, (b"tmpfs", 0)),
        ("open_tree", 428, (-100, b"/", 1)),
        ("mount_setattr", 442, (-100, b"/", 0x8000, attributes, 32)),
        ("fspick", 433, (-100, b"/tmp", 0)),
        ("mount", 165, (b"x", b"/tmp", b"tmpfs", 0, 0)),
        ("remount", 165, (b"x", b"/", b"", 32 | 4096, 0)),
        ("umount2", 166, (b"/tmp", 2)),
        ("pivot_root", 155, (b"/tmp", b"/tmp")),
        ("chroot", 161, (b"/tmp",)),
        ("unshare user", 272, (0x10000000,)),
        ("unshare mount", 272, (0x00020000,)),
        ("unshare pid", 272, (0x20000000,)),
        ("unshare files", 272, (0x02000000,)),
    ):
        if libc.syscall(number, *arguments) >= 0:
            done.append(name)
print(a * b if not done else done)
