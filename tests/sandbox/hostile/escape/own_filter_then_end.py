# mode: stdin
# problem: product_once
# verdict: runtime_error
# attempts: a filter of its own that kills at exit_group: after the right answer even its end is refused
import ctypes
import platform
import struct

a, b = map(int, input().split())
print(a * b, flush=True)
end = {"x86_64": 231, "aarch64": 94}[platform.machine()]
rules = struct.pack("HBBI" * 4, 0x20, 0, 0, 0, 0x15, 0, 1, end, 0x06, 0, 0, 0x80000000, 0x06, 0, 0, 0x7FFF0000)
text = ctypes.create_string_buffer(rules)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", 4, ctypes.addressof(text)))
if ctypes.CDLL(None).prctl(22, 2, program, 0, 0) != 0:
    raise SystemExit("refused")
