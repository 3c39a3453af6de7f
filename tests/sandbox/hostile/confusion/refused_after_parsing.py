# mode: stdin
# problem: product
# verdict: compile_error
# attempts: source that the parser takes and the compiler refuses
a, b = map(int, input().split())
print(a * b)


def later():
    print(total)
    global total
