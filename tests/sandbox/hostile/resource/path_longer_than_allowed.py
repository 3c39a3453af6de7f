# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: 1500 folders in one another, deeper than a path can name, left behind with the right answer
import os

a, b = map(int, input().split())
assert not os.path.exists("/tmp/hostile_deep")
os.chdir("/tmp")
for _ in range(1500):
    os.mkdir("hostile_deep")
    os.chdir("hostile_deep")
print(a * b)
