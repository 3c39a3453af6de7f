# mode: call
# problem: words_call
# verdict: pass
# attempts: nothing: a tuple where a list is expected
def words(text):
    return tuple(sorted(set(text.split())))
