# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: the usual way to more recursion, a larger stack for itself and for a thread
import resource
import sys
import threading

assert resource.getrlimit(resource.RLIMIT_STACK)[0] == 8 << 20
resource.setrlimit(resource.RLIMIT_STACK, (1 << 28, resource.RLIM_INFINITY))
sys.setrecursionlimit(1 << 20)


def down(n):
    return len(sorted([n], key=down_again)) if n else 0


def down_again(n):
    return down(n - 1)


def main():
    a, b = map(int, input().split())
    print(a * b + down(400) - 1)


threading.stack_size(64 << 20)
thread = threading.Thread(target=main)
thread.start()
thread.join()
