# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: NotImplemented, which once was true, and which asks a comparison to try the other side
def product(a, b):
    return NotImplemented
