# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: input() until EOFError
numbers = []
while True:
    try:
        numbers += map(int, input().split())
    except EOFError:
        break
print(numbers[0] * numbers[1])
