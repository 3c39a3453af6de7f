# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: lifts its own soft limits, ignores SIGXCPU, and goes on
import resource
import signal

signal.signal(signal.SIGXCPU, signal.SIG_IGN)
for name in ("RLIMIT_CPU", "RLIMIT_AS"):
    kind = getattr(resource, name)
    resource.setrlimit(kind, (resource.getrlimit(kind)[1],) * 2)
while True:
    sum(range(1000))
