# mode: stdin
# problem: total
# verdict: pass
# attempts: nothing: 5 MB of input through open(0)
print(sum(map(int, open(0, "rb").read().split())))
