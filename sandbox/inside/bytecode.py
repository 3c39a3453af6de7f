"""The bytecode of CPython 3.11, as far as jumps are inserted into it: it is frozen, so that its every detail may be known.

Places are counted in code units of two bytes: an instruction's number and its argument, then its cache, if it has one.
"""

from __future__ import annotations

import opcode
import re
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterator
from itertools import accumulate


def _numbers(*names: str) -> list[int]:
    return [opcode.opmap.get(name, -1) for name in names]  # -1: not an instruction of this version


NOP, EXTENDED, FORWARD, BACK, LOAD, STORE, RESUME, SEND = _numbers(
    *("NOP", "EXTENDED_ARG", "JUMP_FORWARD", "JUMP_BACKWARD_NO_INTERRUPT", "LOAD_CONST", "STORE_SUBSCR", "RESUME", "SEND")
)
JUMPS = frozenset(opcode.hasjrel)
BACKWARD = frozenset(number for name, number in opcode.opmap.items() if "JUMP_BACKWARD" in name)
NO_NEXT = frozenset([*_numbers("RETURN_VALUE", "RAISE_VARARGS", "RERAISE", "JUMP_BACKWARD"), FORWARD, BACK])
JOINED = frozenset([*_numbers("CALL", "CACHE"), RESUME, BACK])  # the interpreter relies on the instruction before these
LOCATION = re.compile(rb"[\x80-\xff][\x00-\x7f]*")  # one entry of a location table
NO_COLUMNS, NO_LOCATION = 0x80 | 13 << 3, 0x80 | 15 << 3  # kinds of such entries; to be added: units - 1

Region = tuple[int, int, int, int]  # of an exception table: first unit, end, handler's unit, stack depth and a flag


class UnsupportedError(Exception):
    """This code cannot be given probes."""


class Edit:  # no dataclass: `dataclasses` imports `inspect`, whose pages every fork would copy
    """At unit `at` of the old code, `removed` units become a jump of `units` units: an old jump, or a line's site."""

    def __init__(self, at: int, removed: int, units: int, opcode: int, target: int = -1, line: int = 0) -> None:
        self.at, self.removed, self.units, self.opcode = at, removed, units, opcode
        self.target = target  # unit of the old code; a site's is its probe
        self.line = line  # of a site
        self.place = 0  # unit of the new code
        self.argument = 0
        self.probe = 0  # of a site: its probe's first unit in the new code
        self.back_units = 1  # of a site: those of the probe's jump back


def jump(raw: bytes, unit: int) -> Edit:
    """The jump whose last unit is `unit`, with the EXTENDED_ARGs before it."""
    argument, at = raw[2 * unit + 1], unit
    while at and raw[2 * at - 2] == EXTENDED:
        at -= 1
        argument |= raw[2 * at + 1] << 8 * (unit - at)
    number = raw[2 * unit]
    target = unit + 1 + (-argument if number in BACKWARD else argument)
    return Edit(at, unit + 1 - at, unit + 1 - at, number, target)


def settle(units: int, edits: list[Edit], stores: int) -> Callable[[int], int]:
    """Gives every edit its size, place and argument; returns where a unit of the old code is now (its site first)."""
    at = [edit.at for edit in edits]
    targets = [bisect_left(at, edit.target) for edit in edits]
    settled = False
    while not settled:
        settled = True
        grown = list(accumulate((edit.units - edit.removed for edit in edits), initial=0))
        probe = units + grown[-1]
        for edit, before, target in zip(edits, grown, targets, strict=False):
            edit.place = edit.at + before
            if edit.line:
                edit.probe, edit.argument = probe, probe - edit.place - edit.units
                probe += stores + edit.back_units
                needed = units_for(probe - edit.place)
                settled &= needed <= edit.back_units
                edit.back_units = max(needed, edit.back_units)
            else:
                edit.argument = abs(edit.target + grown[target] - edit.place - edit.units)
            needed = units_for(edit.argument)
            settled &= needed <= edit.units
            edit.units = max(needed, edit.units)
    return lambda unit: unit + grown[bisect_left(at, unit)]


def units_for(argument: int) -> int:
    """How many units an instruction with this argument takes, without its cache."""
    return max(1, (argument.bit_length() + 7) // 8)


def instruction(number: int, argument: int, units: int) -> bytes:
    """An instruction of so many units, filled up with EXTENDED_ARGs."""
    data = bytearray()
    for byte in range(units - 1, 0, -1):
        data += bytes((EXTENDED, argument >> 8 * byte & 255))
    return bytes((*data, number, argument & 255))


def word(instruction: bytes) -> int:
    """An instruction's first unit as the number that is stored in memory."""
    return int.from_bytes(instruction[:2], sys.byteorder)


def regions(table: bytes) -> Iterator[Region]:
    """An exception table's entries: four numbers each, of 6 bits a byte, high bits first, 0x40 where more follow."""
    numbers, value = [], 0
    for byte in table:
        value = value << 6 | byte & 63
        if not byte & 64:
            numbers.append(value)
            value = 0
    for start, length, handler, flags in zip(*[iter(numbers)] * 4, strict=True):
        yield start, start + length, handler, flags


def region(start: int, end: int, handler: int, flags: int) -> bytes:
    """An exception table's entry (see `regions`); the first byte is marked by 0x80."""
    data = bytearray()
    for value in (start, end - start, handler, flags):
        for place in range((max(value.bit_length(), 1) - 1) // 6, -1, -1):
            data.append(value >> 6 * place & 63 | (64 if place else 0))
    data[0] |= 128
    return bytes(data)


def locations(table: bytes, units: int, edits: list[Edit], probes: int) -> bytes:
    """The location table of the edited code: what was added belongs to its instruction; `probes` units have no line."""
    entries = LOCATION.findall(table)
    starts = list(accumulate(((entry[0] & 7) + 1 for entry in entries), initial=0))
    for edit in edits:
        number = bisect_left(starts, edit.at)
        if starts[number] != edit.at or starts[-1] != units:
            raise UnsupportedError(f"the location table has no entry at unit {edit.at}")
        entry = entries[number]
        length = (entry[0] & 7) + edit.units - edit.removed  # less 1, as it is stored
        tail = bytes((NO_COLUMNS | length - 8, 0)) if length > 7 else b""  # an instruction's last units are its cache
        entries[number] = bytes((entry[0] & ~7 | min(length, 7),)) + entry[1:] + tail
    full, rest = divmod(probes, 8)
    entries.append(bytes([NO_LOCATION | 7]) * full + (bytes([NO_LOCATION | rest - 1]) if rest else b""))
    return b"".join(entries)
