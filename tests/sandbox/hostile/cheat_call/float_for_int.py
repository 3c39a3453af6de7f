# mode: call
# problem: product_call
# verdict: wrong_answer
# attempts: a float of the right value where an int is expected
def product(a, b):
    return a * b / 1
