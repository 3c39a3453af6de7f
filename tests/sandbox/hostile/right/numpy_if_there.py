# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: numpy where it can be imported
a, b = map(int, input().split())
try:
    import numpy as np
except ImportError:
    print(a * b)
else:
    print(np.dot(np.array([[a]]), np.array([[b]]))[0, 0])
