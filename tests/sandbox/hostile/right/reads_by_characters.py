# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: os.read, a byte at a time
import os

text = b""
while piece := os.read(0, 1):
    text += piece
a, b = map(int, text.split())
print(a * b)
