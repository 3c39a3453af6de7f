# mode: call
# problem: product_call
# verdict: wrong_answer runtime_error
# attempts: values with every tag of the wire format, each malformed in its own way
import json
import os

VALUES = [{"i": "zz"}, {"i": 5}, {"t": 5}, {"d": [[[1], 2]]}, {"d": [1]}, {"h": [0, "int"]}, {"h": []}, {"c": [1, 2, 3]}, {"b": "zz"}]
VALUES += [{"y": "__import__"}, {"y": "no_such"}, {"r": [0, 1, 0]}, {"r": [0, 1 << 80, 1]}, {"D": "sNaN"}, {"D": "1e"}, {"F": ["0x1", "0x0"]}]
VALUES += [{"T": ["datetime", "x"]}, {"T": ["sys", "x"]}, {"td": [1e300]}, {"td": ["x"]}, {"s": [{"d": []}]}, {"?": 1}, {}, {"i": "1", "t": []}]


def product(a, b):
    os.write(3, json.dumps(VALUES[b if b < len(VALUES) else 0]).encode())
    os._exit(0)
