# mode: assert
# problem: root_assert
# verdict: runtime_error wrong_answer
# attempts: AssertionError for all that is asked
def root(n):
    raise AssertionError("no error")
