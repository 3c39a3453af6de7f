# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the right lines in another order
print(input() + "\nviolets are blue\nroses are red")
