# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: its input, given back
import shutil
import sys

shutil.copyfileobj(sys.stdin, sys.stdout)
