# mode: assert
# problem: product_assert
# verdict: pass
# attempts: nothing: sys.stdout is an object that can only write, and drops it
import sys


class Silent:
    def write(self, text):
        return len(text)


sys.stdout = Silent()


def product(a, b):
    print(a, b)
    return a * b
