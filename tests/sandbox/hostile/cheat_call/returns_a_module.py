# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: a module
import operator


def product(a, b):
    return operator
