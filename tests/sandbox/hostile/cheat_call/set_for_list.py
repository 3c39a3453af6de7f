# mode: call
# problem: words_call
# verdict: wrong_answer runtime_error
# attempts: a set, which has no order to be wrong in
def words(text):
    return set(text.split())
