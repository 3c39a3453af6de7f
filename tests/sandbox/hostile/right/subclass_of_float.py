# mode: call
# problem: half_call
# verdict: pass
# attempts: nothing: numpy's float64, a subclass of float, where numpy can be imported
def half(x):
    try:
        from numpy import float64
    except ImportError:
        float64 = float
    return float64(x) / 2
