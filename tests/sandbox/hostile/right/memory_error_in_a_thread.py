# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: MemoryError ends one thread, the main one answers
import threading

thread = threading.Thread(target=lambda: bytearray(1 << 40))
thread.start()
thread.join()
a, b = map(int, input().split())
print(a * b)
