# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: no newline at the end, and Windows line ends elsewhere
import sys

a, b = map(int, input().split())
sys.stdout.reconfigure(newline="\r\n")
print(a * b, end="")
