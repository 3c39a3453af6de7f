# mode: assert
# problem: stack_assert
# verdict: pass
# attempts: nothing: a class whose objects the test code uses
class Stack:
    def __init__(self):
        self._items = []

    def push(self, item):
        self._items.append(item)

    def pop(self):
        return self._items.pop()

    @property
    def size(self):
        return len(self._items)

    def __iter__(self):
        return iter(self._items)
