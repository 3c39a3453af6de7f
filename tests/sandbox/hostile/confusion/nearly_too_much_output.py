# mode: stdin
# problem: product
# verdict: wrong_answer
# attempts: nothing hostile: 250 kB of output, within the limit, and wrong
print("x" * 250_000)
