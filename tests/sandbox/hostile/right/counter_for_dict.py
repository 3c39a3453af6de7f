# mode: call
# problem: count_call
# verdict: pass
# attempts: nothing: subclasses of dict
from collections import Counter, OrderedDict


def count(text):
    return Counter(text) if text else OrderedDict()
