# mode: stdin
# problem: product
# verdict: wrong_answer runtime_error memory_limit
# attempts: writes to every memory map that it can find in its process
import gc
import mmap

kept = [thing for thing in gc.get_objects() if isinstance(thing, mmap.mmap)]
for thing in gc.get_objects():
    kept += [part for part in gc.get_referents(thing) if isinstance(part, mmap.mmap)]
for memory in kept:
    for position in range(len(memory)):
        memory[position] = 0
print("pass", len(kept))
