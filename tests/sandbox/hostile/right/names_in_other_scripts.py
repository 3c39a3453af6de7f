# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: identifiers and texts beyond ASCII
π, ﬁ = map(int, input().split())
größe = {"é": π, "語": fi}
assert len("\N{GREEK SMALL LETTER PI}🐍é") == 3
print(größe["é"] * größe["語"])
