# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: files and folders in /tmp, through tempfile
import os
import shelve
import tempfile

a, b = map(int, input().split())
with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w+", dir=folder) as file:
    file.write(str(a))
    file.flush()
    a = int(open(file.name).read())
    assert os.listdir(os.getcwd()) is not None
print(a * b)
