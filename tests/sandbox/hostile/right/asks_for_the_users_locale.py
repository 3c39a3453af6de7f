# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: takes the locale that its environment names; all texts are UTF-8 nevertheless
import locale
import sys

locale.setlocale(locale.LC_ALL, "")
with open("/tmp/hostile_text", "w") as file:
    encodings = {sys.stdin.encoding, sys.stdout.encoding, sys.getfilesystemencoding(), file.encoding}
assert {name.lower() for name in encodings} == {"utf-8"}, encodings
assert locale.getpreferredencoding().lower() == "utf-8"
a, b = map(int, input().split())
print(a * b)
