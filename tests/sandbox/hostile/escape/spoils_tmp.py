# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: takes the rights of /tmp away, renames and removes it; the next test must find it usable
import contextlib
import os
import tempfile

a, b = map(int, input().split())
with tempfile.TemporaryFile() as file:
    file.write(b"works")
for act in (
    lambda: os.rename("/tmp", "/hostile_tmp"),
    lambda: os.rmdir("/tmp"),
    lambda: os.chmod("/tmp", 0),
    lambda: os.symlink("/nowhere", "/tmp/hostile_link"),
):
    with contextlib.suppress(OSError):
        act()
print(a * b)
