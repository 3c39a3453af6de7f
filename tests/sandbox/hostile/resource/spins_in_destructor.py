# mode: stdin
# problem: product_once
# verdict: time_limit
# attempts: the right answer, then an endless loop when its objects are dropped
class Spinning:
    def __del__(self):
        while True:
            pass


a, b = map(int, input().split())
print(a * b, flush=True)
kept = Spinning()
