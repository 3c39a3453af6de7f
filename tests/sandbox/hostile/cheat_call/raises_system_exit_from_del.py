# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: SystemExit(0) at import, the function never defined
class Leave:
    def __del__(self):
        raise SystemExit(0)


Leave()
raise SystemExit
