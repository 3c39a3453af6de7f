# mode: call
# problem: words_call_once
# verdict: output_limit memory_limit runtime_error time_limit
# attempts: 2 ** 40 words in 40 lists that hold each other twice
def words(text):
    value = ["a", "b"]
    for _ in range(40):
        value = [value, value]
    return value
