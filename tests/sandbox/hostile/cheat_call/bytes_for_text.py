# mode: call
# problem: words_call
# verdict: wrong_answer runtime_error
# attempts: bytes where texts are expected
def words(text):
    return sorted(word.encode() for word in set(text.split()))
