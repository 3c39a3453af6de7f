# mode: stdin
# problem: product_once
# verdict: runtime_error memory_limit
# attempts: 40 threads with stacks of 64 MiB, their refusal not caught
import threading

threading.stack_size(64 << 20)
for _ in range(40):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
print(12)
