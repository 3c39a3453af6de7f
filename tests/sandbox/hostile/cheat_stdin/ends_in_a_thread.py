# mode: stdin
# problem: verses
# verdict: wrong_answer
# attempts: the first line, then status 0 from a thread while the main one still reads
import os
import threading
import time

print("roses are red", flush=True)
threading.Thread(target=os._exit, args=(0,)).start()
time.sleep(1)
print("violets are blue\nroses")
