# mode: assert
# problem: square_assert
# verdict: pass
# attempts: nothing: its own helper bears the name of the test's helper
def reference(n):
    return abs(n)


def square(n):
    return reference(n) ** 2
