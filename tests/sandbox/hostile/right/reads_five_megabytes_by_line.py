# mode: stdin
# problem: total
# verdict: pass
# attempts: nothing: 5 MB of input read line by line
import sys

print(sum(map(int, sys.stdin)))
