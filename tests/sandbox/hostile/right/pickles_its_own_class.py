# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: a dataclass of __main__, pickled, copied and compared
import copy
import pickle
from dataclasses import dataclass, field


@dataclass(order=True)
class Pair:
    a: int
    b: int
    more: list = field(default_factory=list)


if __name__ == "__main__":
    pair = Pair(*map(int, input().split()))
    again = pickle.loads(pickle.dumps(copy.deepcopy(pair)))
    assert again == pair
    print(again.a * again.b)
