# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: a timer of its own with a handler
import signal

a, b = map(int, input().split())
rang = []
signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.01)
signal.pause()
print(a * b * len(rang))
