# mode: stdin
# problem: product_once
# verdict: pass runtime_error
# attempts: writes to, renames, marks and changes the interpreter and its library; the right answer only if all is refused
import os
import sys

a, b = map(int, input().split())
changed = []
for path in (sys.executable, os.__file__, os.path.dirname(os.__file__)):
    for act in (
        lambda p: os.close(os.open(p, os.O_WRONLY)),
        lambda p: os.rename(p, p + "_hostile"),
        lambda p: os.chmod(p, 0o777),
        lambda p: os.utime(p, (0, 0)),
        lambda p: os.setxattr(p, "user.hostile", b"x"),
        lambda p: os.link(p, "/tmp/hostile_link"),
        os.unlink,
    ):
        try:
            act(path)
            changed.append(path)
        except OSError:
            pass
print(a * b if not changed else changed)
