# mode: assert
# problem: countdown_list_assert
# verdict: wrong_answer runtime_error time_limit memory_limit output_limit
# attempts: the same, where the test itself lists what came back
def countdown(n):
    return range(10**15)
