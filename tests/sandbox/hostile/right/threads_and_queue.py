# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: worker threads and a queue
import queue
import threading

a, b = map(int, input().split())
todo, done = queue.Queue(), []
workers = [threading.Thread(target=lambda: done.append(todo.get() * b)) for _ in range(8)]
for worker in workers:
    worker.start()
for _ in workers:
    todo.put(a)
for worker in workers:
    worker.join()
print(done[0])
