# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: all the timers and queued signals that its user may have, left when it ends
import ctypes
import signal

a, b = map(int, input().split())
libc = ctypes.CDLL(None, use_errno=True)
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
event = (ctypes.c_long * 8)(0, 40)  # sigev_signo 40, sigev_notify SIGEV_SIGNAL
for _ in range(20_000):
    timer = ctypes.c_void_p()
    if libc.timer_create(1, event, ctypes.byref(timer)) != 0:
        break
for _ in range(20_000):
    if libc.sigqueue(libc.getpid(), 41, ctypes.c_void_p(0)) != 0:
        break
print(a * b)
