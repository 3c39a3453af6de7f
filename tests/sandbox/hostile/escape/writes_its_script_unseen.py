# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: writes a mark for the next test into its own file through a mapping, which moves no time of the file; the right answer only if none is found
import mmap
import os

a, b = map(int, input().split())
mark = b"HOSTILE" + b"MARK"
seen = False
try:
    with open("/tmp/program.py", "r+b") as file:
        mapping = mmap.mmap(file.fileno(), 0)
        text = mapping[:]  # read first: the page is then writable without another fault
        seen = mark in text
        place = text.index(b"# SPACE" + b" FOR IT")
        mapping[place : place + len(mark)] = mark
except (OSError, ValueError):
    pass
print(a * b if not seen else "a mark of the test before")
# SPACE FOR IT
