# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: an async function, whose answer nobody waited for
async def product(a, b):
    return a * b
