# mode: stdin
# problem: product
# verdict: pass runtime_error
# attempts: folders without rights, names of odd bytes, names like options, left behind with the right answer
import os

a, b = map(int, input().split())
assert not os.path.exists("/tmp/-rf"), "left by the run before"
for name in (b"/tmp/-rf", b"/tmp/hostile_\n\x1b[2J", b"/tmp/hostile_\xff\xfe", b"/tmp/" + b"hostile_" * 31, b"/tmp/ "):
    os.mkdir(name)
    with open(name + b"/kept", "wb") as file:
        file.write(b"x")
    os.chmod(name + b"/kept", 0)
    os.chmod(name, 0)
print(a * b)
