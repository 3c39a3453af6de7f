# mode: stdin
# problem: product_once
# verdict: time_limit memory_limit
# attempts: a decimal root to ten million places, in C
import decimal

decimal.getcontext().prec = 10_000_000
decimal.getcontext().Emax = decimal.MAX_EMAX
print(decimal.Decimal(2).sqrt())
