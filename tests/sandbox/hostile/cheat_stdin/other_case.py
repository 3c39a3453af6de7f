# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the right lines in capitals
print("ROSES ARE RED\nVIOLETS ARE BLUE\n" + input().upper())
