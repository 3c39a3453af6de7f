# mode: assert
# problem: countdown_sum_assert
# verdict: time_limit wrong_answer runtime_error
# attempts: the same, where the test spends its time on it and the program none
def countdown(n):
    return range(10**15)
