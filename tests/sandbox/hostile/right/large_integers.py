# mode: call
# problem: power_call
# verdict: pass
# attempts: nothing: integers of 5,600 bits
def power(a, b):
    return a**b
