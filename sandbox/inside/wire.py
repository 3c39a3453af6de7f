"""Plain values across a pipe: JSON with tags, decoded to exact built-in types and to nothing else.

Used on both sides of a jail's wall, so decoding trusts nothing: there is no pickle and no eval, and a value of the
program's own class travels as a handle, a number that means nothing outside the program's process.
"""

from __future__ import annotations

import _socket
import json
import struct
from _socket import socket as Socket  # what `socket.socket` is made of, without its enums
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_HASH_MODULUS = (1 << 61) - 1  # of CPython's hash of a number
_WIDE_KEYS = 1000
MESSAGE_LIMIT = 64 << 20  # bytes of one message

# How a checker's process ends (exit status).
PASSED, WRONG, RAISED, GONE, TOO_LARGE = 0, 10, 11, 12, 13

# A warden's report of a process that has ended: errno where there was none, wait status, CPU seconds, peak KiB.
ENDED = struct.Struct("<iidq")

# What a program's process says of its own end, for a clearer message only (shared byte).
OUT_OF_MEMORY = 1


class WireError(Exception):
    """A value or a message that cannot cross."""


class Handle:
    """Stands for an object of the program's own class, outside the program's process."""

    def __init__(self, number: int, type_name: str) -> None:
        self.number = number
        self.type_name = type_name


def _items(values: Iterable[Any], keep: Callable[[Any], int] | None) -> list[Any]:
    return [to_tree(value, keep) for value in values]


def to_tree(value: Any, keep: Callable[[Any], int] | None = None) -> Any:
    """The JSON tree of `value`. `keep(obj) -> int` gives the handle of an object that is no plain value; None: refuse."""
    kind = type(value)
    if value is None or kind is bool or kind is str or kind is float:
        return value
    if kind is int:
        return value if -(1 << 63) <= value < 1 << 63 else {"i": hex(value)}
    if kind is list:
        return _items(value, keep)
    if kind is tuple:
        return {"t": _items(value, keep)}
    if kind is dict:
        return {"d": [[to_tree(k, keep), to_tree(v, keep)] for k, v in value.items()]}
    if isinstance(value, Handle):
        return {"h": [value.number, value.type_name]}
    if isinstance(value, int):
        return to_tree(int.__index__(value))
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bytes, bytearray)):
        return {"ba" if isinstance(value, bytearray) else "b": bytes(value).hex()}
    if isinstance(value, complex):
        return {"c": [value.real, value.imag]}
    if isinstance(value, (set, frozenset)):
        return {"f" if isinstance(value, frozenset) else "s": _items(value, keep)}
    if isinstance(value, dict):
        return {"d": [[to_tree(k, keep), to_tree(v, keep)] for k, v in dict.items(value)]}
    if isinstance(value, tuple):
        return {"t": _items(tuple.__iter__(value), keep)}
    if isinstance(value, list):
        return _items(list.__iter__(value), keep)
    if kind is type and value.__module__ == "builtins":
        return {"y": value.__name__}
    if kind is range:
        return {"r": [value.start, value.stop, value.step]}
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == "decimal.Decimal":
        return {"D": str(value)}
    if name == "fractions.Fraction":
        return {"F": [hex(value.numerator), hex(value.denominator)]}
    if name in ("datetime.datetime", "datetime.date", "datetime.time"):
        return {"T": [kind.__name__, value.isoformat()]}
    if name == "datetime.timedelta":
        return {"td": [value.days, value.seconds, value.microseconds]}
    if keep is None:
        raise WireError(f"a {kind.__name__} is no plain value")
    return {"h": [keep(value), str(kind.__name__)]}


def _builtin_type(name: str) -> type:
    import builtins

    found = getattr(builtins, name)
    if not isinstance(found, type):
        raise WireError(f"{name!r} is no built-in type")
    return found


def _rare(tag: str, body: Any) -> Any:
    """Values of modules that cost milliseconds to import, so only when one comes."""
    import datetime
    import decimal
    import fractions

    if tag == "D":
        return decimal.Decimal(body)
    if tag == "F":
        return fractions.Fraction(int(body[0], 16), int(body[1], 16))
    if tag == "T" and body[0] in ("datetime", "date", "time"):
        return getattr(datetime, body[0]).fromisoformat(body[1])
    if tag == "td":
        return datetime.timedelta(*body)
    raise WireError(f"unknown tag {tag!r}")


def _hashable(keys: list[Any]) -> list[Any]:
    """The keys, unless so many are numbers beyond 2^61 - 1 that their hashes can have been made to collide."""
    wide, todo = 0, list(keys)
    while todo:
        key = todo.pop()
        if isinstance(key, (tuple, frozenset)):
            todo.extend(key)
        elif isinstance(key, (int, float)) and abs(key) >= _HASH_MODULUS:
            wide += 1
    if wide > _WIDE_KEYS:
        raise WireError(f"{wide} keys beyond 2^61")
    return keys


def from_tree(tree: Any, handle: Callable[[int, str], Any] | None = None) -> Any:
    """The value of a JSON tree. `handle(number, type_name)` makes the stand-in for an object; None: refuse."""
    if isinstance(tree, list):
        return [from_tree(item, handle) for item in tree]
    if not isinstance(tree, dict):
        return tree
    try:
        ((tag, body),) = tree.items()
        if tag == "h":
            if handle is None:
                raise WireError("an object of the program's own class")
            return handle(int(body[0]), str(body[1]))
        if tag == "d":
            keys = _hashable([from_tree(k, handle) for k, _ in body])
            return dict(zip(keys, (from_tree(v, handle) for _, v in body), strict=True))
        if tag == "t":
            return tuple(from_tree(item, handle) for item in body)
        if tag in ("s", "f"):
            return (set if tag == "s" else frozenset)(_hashable([from_tree(item, handle) for item in body]))
        if tag == "i":
            return int(body, 16)
        if tag == "c":
            return complex(*body)
        if tag == "b":
            return bytes.fromhex(body)
        if tag == "ba":
            return bytearray.fromhex(body)
        if tag == "y":
            return _builtin_type(body)
        if tag == "r":
            return range(*body)
        return _rare(tag, body)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError) as error:
        raise WireError(f"malformed value: {error}") from error


def _short_int(digits: str) -> int:
    """Longer ones travel as hexadecimal: the time to read a decimal grows with the square of its length."""
    if len(digits) > 20:
        raise ValueError(f"an integer of {len(digits)} digits")
    return int(digits)


_to_json = json.JSONEncoder(separators=(",", ":")).encode
_from_json = json.JSONDecoder(parse_int=_short_int).decode


def dumps(tree: Any) -> bytes:
    """Bytes of a JSON tree."""
    return _to_json(tree).encode("ascii")


def loads(data: bytes) -> Any:
    """The JSON tree of bytes; WireError where they are none, or are nested too deeply."""
    try:
        return _from_json(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WireError(f"malformed message: {error}") from error


def send(sock: Socket, tree: Any, fds: Sequence[int] = ()) -> None:
    """Sends one message; file descriptors travel with its first byte."""
    send_bytes(sock, dumps(tree), fds)


def receive(sock: Socket, max_fds: int = 0) -> tuple[Any, list[int]]:
    """One message and its file descriptors; EOFError where the other side has gone."""
    data, fds = receive_bytes(sock, max_fds)
    return loads(data), fds


def send_bytes(sock: Socket, data: bytes, fds: Sequence[int] = ()) -> None:
    """A message as bytes: 8 of length, then the content."""
    head = struct.pack("!Q", len(data))
    if fds:
        sock.sendmsg([head], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))])
        sock.sendall(data)
    else:
        sock.sendall(head + data)


def receive_bytes(sock: Socket, max_fds: int = 0) -> tuple[bytes, list[int]]:
    """The content of one message, and its file descriptors; EOFError where the other side has gone."""
    head = b""
    fds: list[int] = []
    while len(head) < 8:
        if max_fds:
            data, ancillary, _, _ = sock.recvmsg(8 - len(head), _socket.CMSG_SPACE(4 * max_fds))
            for level, kind, raw in ancillary:
                if (level, kind) == (_socket.SOL_SOCKET, _socket.SCM_RIGHTS):
                    fds += struct.unpack(f"{len(raw) // 4}i", raw)
        else:
            data = sock.recv(8 - len(head))
        if not data:
            raise EOFError("the other side has gone")
        head += data
    (length,) = struct.unpack("!Q", head)
    if length > MESSAGE_LIMIT:
        raise WireError(f"a message of {length} bytes, over the limit of {MESSAGE_LIMIT}")
    return (exactly(sock, length) if length else b""), fds


def exactly(sock: Socket, count: int) -> bytes:
    """So many bytes; EOFError where the other side goes before they are all there."""
    data = sock.recv(min(1 << 20, count))
    if len(data) == count:
        return data
    parts = bytearray(data)
    while len(parts) < count:
        if not data:
            raise EOFError("the other side has gone")
        data = sock.recv(min(1 << 20, count - len(parts)))
        parts += data
    return bytes(parts)
