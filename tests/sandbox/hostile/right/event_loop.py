# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: asyncio with tasks, a queue and a time-out
import asyncio


async def main():
    a, b = map(int, input().split())
    waiting = asyncio.Queue()
    await asyncio.gather(waiting.put(a), asyncio.sleep(0.01), asyncio.to_thread(sum, [1, 2]))
    async with asyncio.timeout(1):
        print(await waiting.get() * b)


asyncio.run(main())
