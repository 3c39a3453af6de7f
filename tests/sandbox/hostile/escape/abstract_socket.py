# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: a Unix socket with a name but no file, which only a network namespace separates; the right answer only if it is not reached
import socket

a, b = map(int, input().split())
reached = []
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    try:
        with socket.socket(socket.AF_UNIX, kind) as made:
            made.connect("\0hostile_canary")
            made.send(b"here")
            reached.append(kind)
    except OSError:
        pass
print(a * b if not reached else reached)
