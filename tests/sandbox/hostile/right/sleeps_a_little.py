# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: sleeps 0.2 s
import time

a, b = map(int, input().split())
time.sleep(0.2)
print(a * b)
