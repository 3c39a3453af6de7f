# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: setpriority and ioprio_set on all processes of its user; the right answer only if no other process is changed
import contextlib
import ctypes
import os

a, b = map(int, input().split())
with contextlib.suppress(OSError):
    os.setpriority(os.PRIO_USER, 0, 18)
ctypes.CDLL(None).syscall(251, 3, 0, 3 << 13)
parent = 0
with contextlib.suppress(OSError):
    parent = os.getpriority(os.PRIO_PROCESS, os.getppid() or 1)
print(a * b if parent < 18 or os.getppid() == 0 else "the parent is nice now")
