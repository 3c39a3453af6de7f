# mode: call
# problem: words_call
# verdict: wrong_answer runtime_error
# attempts: an iterator that never ends where a list is expected
import itertools


def words(text):
    return itertools.repeat("a")
