# mode: assert
# problem: countdown_assert
# verdict: pass
# attempts: nothing: a generator that the test code lists
def countdown(n):
    while n:
        yield n
        n -= 1
