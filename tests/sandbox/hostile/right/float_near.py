# mode: assert
# problem: half_assert
# verdict: pass
# attempts: nothing: a sum of floats with its rounding
def half(x):
    return sum([x / 20] * 10)
