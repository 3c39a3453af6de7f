# mode: call
# problem: words_call_once
# verdict: wrong_answer runtime_error memory_limit output_limit time_limit
# attempts: the same with the recursion limit lifted, so that writing it down runs out of stack
import sys

sys.setrecursionlimit(1 << 30)


def words(text):
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    return nested
