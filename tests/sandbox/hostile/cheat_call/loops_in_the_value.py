# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: a dict that contains itself under two keys, and a tuple in a list in a tuple
def product(a, b):
    ring = {}
    ring["one"] = [(ring,)]
    ring["two"] = (ring, [ring])
    return ring
