# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: the type int itself
def product(a, b):
    return int
