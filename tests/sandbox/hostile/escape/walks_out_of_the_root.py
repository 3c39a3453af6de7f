# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: /.. by open, by openat on a held folder and by readlink; the right answer only if nothing of the host is there
import os

a, b = map(int, input().split())
root = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
os.fchdir(root)
found = []
for path in ("../" * 20 + "tmp/hostile_canary", "/../../../tmp/hostile_canary", "/etc/shadow", "/proc/1/root", "/sys/kernel", "/dev/shm", "/run"):
    for look in (os.stat, os.lstat, lambda p: os.stat(p.lstrip("/"), dir_fd=root)):
        try:
            look(path)
            found.append(path)
        except OSError:
            pass
print(a * b if not found else found)
