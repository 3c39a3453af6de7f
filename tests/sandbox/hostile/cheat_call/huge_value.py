# mode: call
# problem: words_call_once
# verdict: output_limit memory_limit runtime_error time_limit
# attempts: ten million words
def words(text):
    return ["a"] * 10_000_000
