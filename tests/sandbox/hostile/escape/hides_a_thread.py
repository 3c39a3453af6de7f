# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: leaves the main thread by its own system call, so that the process is a zombie leader with a thread that goes on
import ctypes
import threading
import time

a, b = map(int, input().split())


def later():
    time.sleep(0.1)
    print(a * b, flush=True)
    ctypes.CDLL(None).syscall(231, 0)


threading.Thread(target=later).start()
ctypes.CDLL(None).syscall(60, 0)  # exit of this thread alone, the interpreter's lock given up
