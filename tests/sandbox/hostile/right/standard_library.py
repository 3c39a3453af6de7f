# mode: stdin
# problem: product
# verdict: pass
# attempts: nothing: imports that a jail may have forgotten files for
import bisect
import calendar
import cmath
import collections
import ctypes
import datetime
import decimal
import difflib
import fractions
import hashlib
import heapq
import itertools
import locale
import random
import re
import secrets
import sqlite3
import statistics
import string
import uuid
import xml.etree.ElementTree
import zlib
import zoneinfo

a, b = map(int, input().split())
locale.setlocale(locale.LC_ALL, "C")
random.seed(5)
assert random.random() == random.Random(5).random() and uuid.uuid4() and secrets.token_hex(4)
assert hashlib.sha256(zlib.compress(b"x")).hexdigest()
assert sqlite3.connect(":memory:").execute("select 2 * 3").fetchone() == (6,)
print(int(decimal.Decimal(a) * fractions.Fraction(b).numerator))
