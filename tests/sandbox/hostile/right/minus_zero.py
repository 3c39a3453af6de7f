# mode: call
# problem: half_call
# verdict: pass
# attempts: nothing: -0.0 where 0.0 is expected
def half(x):
    return -(-x) / 2 if x else -0.0
