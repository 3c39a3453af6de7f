# mode: call
# problem: product_call
# verdict: pass
# attempts: nothing: the function asks an event loop in another thread
import asyncio
import threading


def product(a, b):
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def times():
        await asyncio.sleep(0.01)
        return a * b

    return asyncio.run_coroutine_threadsafe(times(), loop).result()
