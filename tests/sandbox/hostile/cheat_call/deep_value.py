# mode: call
# problem: words_call
# verdict: wrong_answer runtime_error memory_limit
# attempts: a list 100,000 deep
def words(text):
    nested = []
    for _ in range(100_000):
        nested = [nested]
    return nested
