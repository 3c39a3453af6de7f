# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: an exception without a usable class name, text, traceback or cause
class Meta(type):
    def __getattribute__(cls, name):
        if name in ("__name__", "__qualname__", "__module__"):
            raise OSError("no name")
        return super().__getattribute__(name)


class Strange(Exception, metaclass=Meta):
    def __str__(self):
        raise SystemExit(0)

    def __getattribute__(self, name):
        raise SystemExit(0)


a, b = map(int, input().split())
print(a * b)
raise Strange
