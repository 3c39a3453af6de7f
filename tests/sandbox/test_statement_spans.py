"""The lines that each statement takes, which say what a trace says of it."""

from itertools import islice

import pytest

from sandbox.inside import tracer
from tests.sandbox.trace_both import in_child
from tests.sandbox.traced_programs import human_eval

SPANS = b"""\
@decorate(
    1,
)
def f(a: int = 3,
      b: str = ":",  # a comment: with colons
      ) -> dict[str, int]:
    # nothing: here

    try: g()
    except (A,
            B) as error: pass
    else:
        x = [lambda: 1,
             2]
    finally:
        y = 1; z = 2
    if a: return
    elif (b
          ):
        match a, (
            b):
            # case 7:
            case (
                1 | 2,
                3,
            ) if a[1:2]:
                pass;
            case _: pass
async def h():
    async with (a as b,
                c as d,):
        await e
    for i in (
        range(3)
    ) : pass
    else:
        pass
class C(D, metaclass=M): x: int = 1
"""


def test_statement_spans():
    expected = [
        *[(1, 6, 28), (9, 9, 16), (9, 9, 9), (10, 11, 11), (11, 11, 11), (13, 14, 14), (16, 16, 16), (16, 16, 16)],
        *[(17, 17, 28), (17, 17, 17), (18, 19, 28), (20, 21, 28), (23, 26, 27), (27, 27, 27), (28, 28, 28), (28, 28, 28)],
        *[(29, 29, 37), (30, 31, 32), (32, 32, 32), (33, 35, 37), (35, 35, 35), (37, 37, 37), (38, 38, 38), (38, 38, 38)],
    ]
    assert tracer.statement_spans(SPANS) == expected
    assert tracer.statement_spans(SPANS.decode().replace("\n", "\r\n")) == expected
    assert tracer.statement_spans("# coding: latin-1\nx = 'é'; y = 'é'\nif x: pass".encode("latin-1"))[2:] == [(3, 3, 3)] * 2


def test_statement_spans_of_what_is_no_program():
    with pytest.raises(SyntaxError):
        tracer.statement_spans("if x")


def test_spans_cover_every_line_of_a_real_trace():
    """A line that ran lies in a header, or is an `else:` or `finally:` line, which never run by themselves."""
    rows = list(islice(human_eval(), 40))
    for row in rows:
        result = in_child(row, "tracer", 4)
        headers = {line for first, header, _ in tracer.statement_spans(row["source"]) for line in range(first, header + 1)}
        assert set(result["lines"]) <= headers, row["name"]
