# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: tries a process pool and a subprocess, works without them
import contextlib
import subprocess
import sys

a, b = map(int, input().split())
with contextlib.suppress(OSError, subprocess.SubprocessError):
    subprocess.run([sys.executable, "-c", "pass"], timeout=1)
    subprocess.run(["true"], timeout=1)
print(a * b)
