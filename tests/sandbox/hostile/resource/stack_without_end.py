# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit time_limit
# attempts: recursion through C on a main stack that it has asked to be endless
import functools
import resource
import sys

try:
    resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
except (OSError, ValueError):
    pass
sys.setrecursionlimit(1 << 30)


def down(n):
    return functools.reduce(lambda x, y: down(n + 1), [1, 2])


down(0)
print(12)
