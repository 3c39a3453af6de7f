# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the right lines with empty lines between and before them
print("\nroses are red\n\nviolets are blue\n\n" + input())
