# mode: stdin
# problem: verses
# verdict: pass
# attempts: nothing: print, sys.stdout.buffer and os.write, flushed in order
import os
import sys

print("roses", end=" ", flush=True)
sys.stdout.buffer.write(b"are red\n")
sys.stdout.buffer.flush()
os.write(1, b"violets are blue\n")
sys.stdout.writelines([input(), "\n"])
