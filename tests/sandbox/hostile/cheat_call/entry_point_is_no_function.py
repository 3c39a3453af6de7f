# mode: call
# problem: product_call
# verdict: runtime_error
# attempts: the entry point is the number 12
product = 12
