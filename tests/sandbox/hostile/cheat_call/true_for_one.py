# mode: call
# problem: product_call
# verdict: wrong_answer
# attempts: a bool where an int of the same value is expected
def product(a, b):
    return a * b == 1 or a * b
