# mode: assert
# problem: order_assert
# verdict: pass
# attempts: nothing: sorts a copy
import heapq


def order(given):
    heap = list(given)
    heapq.heapify(heap)
    return [heapq.heappop(heap) for _ in range(len(heap))]
