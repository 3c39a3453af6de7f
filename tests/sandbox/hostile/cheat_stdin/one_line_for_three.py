# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the right words on one line
print("roses are red violets are blue", input())
