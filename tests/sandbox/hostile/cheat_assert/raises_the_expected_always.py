# mode: assert
# problem: root_assert
# verdict: runtime_error wrong_answer
# attempts: ValueError for all that is asked, of which the test expects one
def root(n):
    raise ValueError(n)
