# mode: call
# problem: words_call_once
# verdict: time_limit memory_limit output_limit runtime_error wrong_answer
# attempts: a list whose iteration never ends
class Words(list):
    def __iter__(self):
        while True:
            yield "a"

    def __len__(self):
        return 2


def words(text):
    return Words(["a", "b"][:0])
