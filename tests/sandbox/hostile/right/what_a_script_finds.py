# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: __file__, __name__, sys.argv, __builtins__, exit
import os
import sys

assert __name__ == "__main__" and sys.modules["__main__"].__dict__ is globals()
assert len(sys.argv) == 1 and sys.argv[0].endswith(".py")
assert os.path.basename(__file__) == os.path.basename(sys.argv[0])
assert __builtins__ and __doc__ is None
a, b = map(int, input().split())
print(a * b)
exit()
