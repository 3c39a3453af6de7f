# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the right lines, cut by form feeds and by Unicode's line separator
last = input()
print("roses are red\x0cviolets are blue\u2028" + last)
