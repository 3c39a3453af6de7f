# mode: call
# problem: words_call
# verdict: wrong_answer runtime_error
# attempts: texts that no UTF-8 can carry
def words(text):
    return ["\ud800", "\udfff\udcff", "a\0b"]
