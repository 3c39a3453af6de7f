# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: concurrent.futures with threads
from concurrent.futures import ThreadPoolExecutor

a, b = map(int, input().split())
with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(lambda _: b, range(abs(a)))) * (1 if a > 0 else -1))
