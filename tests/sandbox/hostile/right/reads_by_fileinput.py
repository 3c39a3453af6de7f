# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: fileinput without arguments
import fileinput

for line in fileinput.input():
    a, b = map(int, line.split())
    print(a * b)
