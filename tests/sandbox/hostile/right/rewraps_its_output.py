# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: its output is a stream of its own over what it detached from sys.stdout
import io
import sys

sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8")
sys.stdin = io.TextIOWrapper(sys.stdin.detach(), encoding="utf-8")
a, b = map(int, input().split())
print(a * b)
