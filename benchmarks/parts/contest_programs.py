"""Programs as contests have them, some in functions, some at module level: about half a second of CPU each, no input."""

PROGRAMS: dict[str, str] = {}

PROGRAMS["sieve"] = """
def primes(n):
    alive = [True] * (n + 1)
    alive[0] = alive[1] = False
    i = 2
    while i * i <= n:
        if alive[i]:
            for j in range(i * i, n + 1, i):
                alive[j] = False
        i += 1
    return sum(alive)

print(primes(6_000_000))
"""

PROGRAMS["dp_table"] = """
def longest_common(a, b):
    n, m = len(a), len(b)
    best = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            if a[i - 1] == b[j - 1]:
                best[i][j] = best[i - 1][j - 1] + 1
            else:
                best[i][j] = max(best[i - 1][j], best[i][j - 1])
    return best[n][m]

print(longest_common("abcbdab" * 220, "bdcaba" * 220))
"""

PROGRAMS["grid_bfs"] = """
from collections import deque

def main():
    n = 500
    wall = [[(i * i + 3 * j * j) % 7 == 5 for j in range(n)] for i in range(n)]
    wall[0][0] = False
    distance = [[-1] * n for _ in range(n)]
    distance[0][0] = 0
    queue = deque([(0, 0)])
    while queue:
        x, y = queue.popleft()
        for dx, dy in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            u, v = x + dx, y + dy
            if 0 <= u < n and 0 <= v < n and not wall[u][v] and distance[u][v] < 0:
                distance[u][v] = distance[x][y] + 1
                queue.append((u, v))
    print(max(max(row) for row in distance))

main()
"""

PROGRAMS["strings"] = """
def squeeze(text):
    out = []
    run = 1
    for i in range(1, len(text) + 1):
        if i < len(text) and text[i] == text[i - 1]:
            run += 1
        else:
            out.append(text[i - 1])
            if run > 1:
                out.append(str(run))
            run = 1
    return "".join(out)

text = "aaabbcdddde" * 100
for _ in range(2000):
    short = squeeze(text)
result = ""
for character in short * 100:
    result += character.upper()
print(len(result))
"""

PROGRAMS["dijkstra"] = """
import heapq

def solve(n):
    edges = [[] for _ in range(n)]
    for i in range(n):
        for step in (1, 7, 31, 101):
            edges[i].append(((i * step + 3) % n, (i * step) % 17 + 1))
    cost = [float("inf")] * n
    cost[0] = 0
    heap = [(0, 0)]
    while heap:
        c, node = heapq.heappop(heap)
        if c > cost[node]:
            continue
        for other, weight in edges[node]:
            if c + weight < cost[other]:
                cost[other] = c + weight
                heapq.heappush(heap, (cost[other], other))
    return sum(c for c in cost if c < float("inf"))

print(solve(120_000))
"""

PROGRAMS["recursion"] = """
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)

print(fib(32))
"""

PROGRAMS["queens"] = """
def place(n, row, columns, left, right):
    if row == n:
        return 1
    count = 0
    for column in range(n):
        if columns >> column & 1:
            continue
        if left >> (row + column) & 1:
            continue
        if right >> (row - column + n) & 1:
            continue
        count += place(n, row + 1, columns | 1 << column, left | 1 << (row + column), right | 1 << (row - column + n))
    return count

print(place(11, 0, 0, 0, 0))
"""

PROGRAMS["sorting"] = """
points = []
seed = 12345
for _ in range(200_000):
    seed = (seed * 1103515245 + 12345) % 2147483648
    points.append((seed % 1000, seed // 1000 % 1000))
points.sort(key=lambda p: (p[0] + p[1], -p[0]))
inside = 0
for x, y in points:
    if x * x + y * y <= 1_000_000:
        inside += 1
print(points[0], points[-1], inside)
"""

PROGRAMS["matrix"] = """
def multiply(a, b, modulus):
    n = len(a)
    c = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            total = 0
            for k in range(n):
                total += a[i][k] * b[k][j]
            c[i][j] = total % modulus
    return c

n = 90
m = [[(i * j + 1) % 10 for j in range(n)] for i in range(n)]
power = 60
result = [[int(i == j) for j in range(n)] for i in range(n)]
while power:
    if power & 1:
        result = multiply(result, m, 10**9 + 7)
    m = multiply(m, m, 10**9 + 7)
    power >>= 1
print(result[1][2])
"""

PROGRAMS["prefix_sums"] = """
n = 300_000
values = [(i * 37) % 101 - 50 for i in range(n)]
prefix = [0] * (n + 1)
for i in range(n):
    prefix[i + 1] = prefix[i] + values[i]
answer = 0
for query in range(300_000):
    left = query * 17 % n
    right = query * 91 % n
    if left > right:
        left, right = right, left
    answer = max(answer, prefix[right + 1] - prefix[left])
print(answer)
"""

PROGRAMS["two_pointers"] = """
class Solution:
    def longest(self, text, k):
        count = {}
        left = best = 0
        for right in range(len(text)):
            c = text[right]
            count[c] = count.get(c, 0) + 1
            while len(count) > k:
                d = text[left]
                count[d] -= 1
                if count[d] == 0:
                    del count[d]
                left += 1
            best = max(best, right - left + 1)
        return best

text = "abacabadabacabae" * 25000
print([Solution().longest(text, k) for k in range(1, 8, 2)])
"""

PROGRAMS["counting"] = """
words = ("the quick brown fox jumps over the lazy dog and runs away from the " * 2000).split()
count = {}
for _ in range(80):
    for word in words:
        if word not in count:
            count[word] = 0
        count[word] += 1
for word, number in sorted(count.items(), key=lambda item: (-item[1], item[0])):
    print(word, number)
"""

PROGRAMS["big_integers"] = """
def digits_of_factorials(n):
    total = 0
    product = 1
    for i in range(1, n + 1):
        product *= i
        if i % 100 == 0:
            total += len(str(product % 10**500))
    return total

a, b = 0, 1
for i in range(150_000):
    a, b = b, a + b
print(digits_of_factorials(14000), a % 10**9)
"""

PROGRAMS["generators"] = """
def numbers(n):
    for i in range(n):
        yield i

def odd(source):
    for value in source:
        if value % 2:
            yield value

def squares(source):
    for value in source:
        yield value * value

print(sum(squares(odd(numbers(4_000_000)))))
"""
