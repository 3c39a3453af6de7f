# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: a program written to an anonymous file and run by its descriptor; the right answer only if one of both is refused
import os
import sys

a, b = map(int, input().split())
try:
    fd = os.memfd_create("hostile", 0)
    with open(sys.executable, "rb") as file:
        os.write(fd, file.read())
    os.execve(fd, ["x", "-S", "-c", "print('another program ran')"], {})
except OSError:
    print(a * b)
