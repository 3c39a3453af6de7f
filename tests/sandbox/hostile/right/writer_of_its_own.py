# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: sys.stdout is an object that can write and flush, and no more
import sys


class Writer:
    def __init__(self, file):
        self.file = file

    def write(self, text):
        self.file.write(text)

    def flush(self):
        self.file.flush()


sys.stdout = Writer(sys.stdout)
a, b = map(int, input().split())
print(a * b)
