# mode: stdin
# problem: product
# verdict: pass
# attempts: a trace function of its own that jumps over lines
#!dead
import sys

a, b = map(int, input().split())


def jump(frame, event, argument):
    if event == "line" and frame.f_lineno == frame.f_code.co_firstlineno + 1:
        frame.f_lineno += 2
    return jump


def skipping():
    found = 0
    found = 5  # never runs
    found = a * b
    return found


sys.settrace(jump)
result = skipping()
sys.settrace(None)
print(a * b)
