# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: the right answer, put into standard output as memory, with blanks behind it
import mmap
import os

a, b = map(int, input().split())
os.ftruncate(1, 64)
output = mmap.mmap(1, 64)
output[:] = (b"%d" % (a * b)).ljust(64)
