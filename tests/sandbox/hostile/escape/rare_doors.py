# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: system calls that a program has no use for and kernels had holes in; the right answer only if all are refused
import ctypes
import platform

a, b = map(int, input().split())
libc = ctypes.CDLL(None)
scratch = ctypes.create_string_buffer(4096)
one = (ctypes.c_uint32 * 64)(1, 128)
opened = []
if platform.machine() == "x86_64":
    for name, number, arguments in (
        ("userfaultfd", 323, (1,)),
        ("io_uring_setup", 425, (4, scratch)),
        ("perf_event_open", 298, (one, 0, -1, -1, 0)),
        ("bpf", 321, (0, one, 72)),
        ("fanotify_init", 300, (0, 0)),
        ("kexec_load", 246, (0, 0, 0, 0)),
        ("init_module", 175, (scratch, 0, b"")),
        ("acct", 163, (0,)),
        ("swapoff", 168, (b"/tmp",)),
        ("sethostname", 170, (b"hostile", 7)),
        ("settimeofday", 164, ((ctypes.c_long * 2)(1, 0), 0)),
        ("iopl", 172, (3,)),
        ("ioperm", 173, (0x70, 2, 1)),
        ("add_key", 248, (b"user", b"hostile", b"x", 1, -3)),
        ("keyctl", 250, (1, b"hostile")),
        ("shmget", 29, (0x5B17, 4096, 0o1666)),
        ("semget", 64, (0x5B17, 1, 0o1666)),
        ("msgget", 68, (0x5B17, 0o1666)),
    ):
        if libc.syscall(number, *arguments) >= 0:
            opened.append(name)
print(a * b if not opened else opened)
