# mode: assert
# problem: product_assert
# verdict: runtime_error wrong_answer
# attempts: an exception whose class cannot be made from a text alone
def product(a, b):
    raise BaseExceptionGroup("many", [ExceptionGroup("inner", [UnicodeDecodeError("utf-8", b"x", 0, 1, "no")]), SystemExit(0)])
