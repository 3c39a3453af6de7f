# mode: stdin
# problem: product
# verdict: pass
# attempts: an object that makes another of its kind whenever it is dropped
class Undead:
    def __del__(self):
        global kept
        kept = type(self)()


kept = Undead()
a, b = map(int, input().split())
print(a * b)
