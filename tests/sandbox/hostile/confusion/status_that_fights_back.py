# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: leaves with an object whose text raises
class Status:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


a, b = map(int, input().split())
print(a * b)
raise SystemExit(Status())
