# mode: stdin
# problem: product_once
# verdict: runtime_error time_limit memory_limit
# attempts: a pattern of 200,000 groups in one another
import re

re.compile("(" * 200_000 + "x" + ")" * 200_000)
