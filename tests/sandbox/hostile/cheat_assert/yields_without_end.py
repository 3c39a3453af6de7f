# mode: assert
# problem: countdown_sum_assert
# verdict: time_limit memory_limit output_limit runtime_error
# attempts: a generator that never ends, listed by the test
def countdown(n):
    while True:
        yield n
