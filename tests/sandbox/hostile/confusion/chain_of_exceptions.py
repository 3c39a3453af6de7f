# mode: stdin
# problem: product
# verdict: runtime_error
# attempts: an exception whose cause is a ring, and a group of thousands
def ring():
    first, second = ValueError(1), ValueError(2)
    first.__cause__, second.__cause__ = second, first
    return first


a, b = map(int, input().split())
print(a * b)
raise ExceptionGroup("many", [ring() for _ in range(2000)])
