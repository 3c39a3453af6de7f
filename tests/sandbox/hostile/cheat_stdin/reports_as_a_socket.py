# mode: stdin
# problem: product
# verdict: wrong_answer runtime_error
# attempts: sends its reports, and descriptors with them, through every descriptor that is a socket
import array
import os
import socket

for fd in range(256):
    try:
        with socket.socket(fileno=os.dup(fd)) as channel:
            channel.sendmsg([b"\0\0\0\0\0\0\0\x02{}"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
            channel.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
print("pass")
