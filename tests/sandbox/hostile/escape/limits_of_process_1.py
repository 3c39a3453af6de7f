# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: prlimit on process 1 of its namespace and on every low number; the right answer only if it is refused
import os
import resource

a, b = map(int, input().split())
changed = []
for pid in range(1, 64):
    if pid == os.getpid():
        continue
    try:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 3))
        changed.append(pid)
    except (OSError, ValueError):
        pass
print(a * b if not changed else f"changed {changed}")
