# mode: stdin
# problem: product_once
# verdict: memory_limit runtime_error time_limit
# attempts: source text of deep brackets and long sums, built and compiled at run time
for text in ("(" * 90 + "1" + ",)" * 90, "x" + ".a" * 200_000, "+".join(["1"] * 500_000), "-" * 1_000_000 + "1"):
    compile(text, "made", "eval")
raise SystemExit("the compiler took it all")
