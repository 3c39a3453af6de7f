# mode: stdin
# problem: product_once
# verdict: time_limit memory_limit
# attempts: one C call that converts an integer of 30 million bits to digits
import sys

if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)
print(len(str(3**20_000_000)))
