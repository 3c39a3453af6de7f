# mode: stdin
# problem: product
# verdict: pass
# attempts: prints the right answer when its objects are dropped at the end
class Late:
    def __init__(self, text):
        self.text = text
        self.say = print

    def __del__(self):
        self.say(self.text)


a, b = map(int, input().split())
late = Late(a * b)
