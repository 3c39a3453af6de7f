# mode: call
# problem: words_call
# verdict: pass
# attempts: nothing: the answer is built in place and noted elsewhere too
seen = []


def words(text):
    found = []
    seen.append(found)
    for word in sorted(text.split()):
        if word not in found:
            found.append(word)
    print("debug", found)
    return found
