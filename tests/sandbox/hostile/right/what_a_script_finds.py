# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: __file__, __name__, sys.argv, __builtins__, __annotations__, help, exit
import os
import sys

assert __name__ == "__main__" and sys.modules["__main__"].__dict__ is globals()
assert len(sys.argv) == 1 and sys.argv[0].endswith(".py")
assert os.path.basename(__file__) == os.path.basename(sys.argv[0])
assert __builtins__.len is len and __doc__ is None and callable(help)
assert sys.version_info >= (3, 14) or __annotations__ == {}
a, b = map(int, input().split())
print(a * b)
exit()
