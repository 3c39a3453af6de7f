# mode: stdin
# problem: product_once
# verdict: time_limit memory_limit
# attempts: 9 ** 9 ** 9 at run time
n = int(input().split()[0]) * 3
print(n**n**n % 10)
