"""CPython 3.11: line probes inside bytecode. A line costs something when it runs first; later, one idle instruction.

Where a line starts stands a site: a jump to the line's probe, which is appended behind the code. The probe stores 1 in the
map of seen lines, overwrites its site in the running code's memory, so that it passes through from now on, and jumps back
behind it. It is made of item assignments in C alone and calls nothing: it raises nothing, takes no recursion depth, and no
signal handler or other thread comes in between. 3.11's bytecode is frozen; other versions are not handled here.
"""

from __future__ import annotations

import opcode
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from functools import cache
from mmap import mmap
from types import CodeType

from sandbox.inside import bytecode
from sandbox.inside.bytecode import BACK, FORWARD, LOAD, RESUME, Edit, Region, UnsupportedError, instruction, word

Lines = mmap | memoryview  # byte n is of line n. In a program's code an mmap, hashable as a code object's constants must be

try:
    from _ctypes import _Pointer, _SimpleCData
except ImportError:
    AVAILABLE = False
else:
    AVAILABLE = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)

    class _Unit(_SimpleCData):  # type: ignore[type-arg]
        _type_ = "H"

    class _Memory(_Pointer):  # type: ignore[type-arg]
        """The units of one code object, to be written. Hashable, as a code object's constants must be."""

        _type_ = _Unit
        __hash__ = object.__hash__


MARK = "stepbatch: sites"
MOST_SEGMENTS = 5000  # of one function, to be looked into: the bits take segments x lines / 8 bytes

Site = tuple[int, int, int, int]  # unit, line, the unit's value when on, when off


@cache
def work() -> bool:
    """Whether probes work in this interpreter: its code objects lie in memory as expected, and two lines are seen to run."""
    if not AVAILABLE:
        return False
    code, seen = compile("a = 1\nb = 2\n", "check", "exec"), mmap(-1, 3)
    start = id(code) + CodeType.__basicsize__
    units = [_Unit.from_address(start + 2 * i).value for i in range(len(code.co_code) // 2)]
    if units != [word(code.co_code[i : i + 2]) for i in range(0, len(code.co_code), 2)]:
        return False
    ready, _ = activate(insert(code), seen)
    names: dict[str, int] = {}
    exec(ready, names)
    start = id(ready) + CodeType.__basicsize__
    off = [_Unit.from_address(start + 2 * unit).value == off for unit, _, _, off in insert(code).co_consts[-1][1]]
    return seen[:] == b"\0\1\1" and off == [True, True] and (names["a"], names["b"]) == (1, 2)


def insert(code: CodeType) -> CodeType:
    """`code` and all code in it with probes; `marshal` takes the result. UnsupportedError where a form is not known here."""
    raw = code.co_code
    ops = raw[::2]
    jumps = [bytecode.jump(raw, unit) for unit, number in enumerate(ops) if number in bytecode.JUMPS]
    regions = list(bytecode.regions(code.co_exceptiontable))
    sites = [Edit(at, 0, 1, FORWARD, line=line) for at, line in _line_starts(code, ops, jumps, regions)]
    for site in sites:
        if ops[site.at] in bytecode.JOINED or ops[site.at - 1] == bytecode.SEND:
            raise UnsupportedError(f"{code.co_name}: no site may come before {opcode.opname[ops[site.at]]} at {site.at}")
    edits = sorted([*sites, *jumps], key=lambda edit: (edit.at, edit.removed))
    # Constants: the old ones, 1, how to switch off a site of 1, 2, 3 units, each site's unit and line, map, memory.
    first, count = len(code.co_consts), len(code.co_consts) + 6 + 2 * len(sites)
    width = bytecode.units_for(count - 1)
    stores = 6 * width + 4
    moved = bytecode.settle(len(ops), edits, stores)
    if any(site.units > 3 for site in sites):
        raise UnsupportedError(f"{code.co_name}: {len(ops)} units are too many")

    pieces: list[bytes] = []
    done = 0
    for edit in edits:
        pieces += raw[2 * done : 2 * edit.at], instruction(edit.opcode, edit.argument, edit.units)
        done = edit.at + edit.removed
    pieces.append(raw[2 * done :])
    store = bytes((bytecode.STORE, 0, 0, 0))
    constants = [instruction(LOAD, index, width) for index in range(first, count)]
    seen, memory = constants[-2:]
    for number, site in enumerate(sites):
        unit, line = constants[4 + 2 * number : 6 + 2 * number]
        back = site.probe + stores + site.back_units - site.place - site.units  # not to the site: a copy's stays switched on
        pieces += constants[0], seen, line, store, constants[site.units], memory, unit, store
        pieces.append(instruction(BACK, back, site.back_units))

    nested = (insert(value) if isinstance(value, CodeType) else value for value in code.co_consts)
    numbers = (number for site in sites for number in (site.place, site.line))
    on = (word(instruction(FORWARD, site.argument, site.units)) for site in sites)
    mark = (MARK, tuple((site.place, site.line, word_on, _off(site.units)) for site, word_on in zip(sites, on, strict=True)))
    return code.replace(
        co_code=b"".join(pieces),
        co_consts=(*nested, 1, _off(1), _off(2), _off(3), *numbers, None, mark),
        co_linetable=bytecode.locations(code.co_linetable, len(ops), edits, sum(stores + site.back_units for site in sites)),
        co_exceptiontable=b"".join(bytecode.region(moved(a), moved(b), moved(c), flags) for a, b, c, flags in regions),
        co_stacksize=code.co_stacksize + 3,
    )


def is_marked(code: CodeType) -> bool:
    """Whether `code` came out of `insert` (and through `marshal`)."""
    return any(isinstance(last, tuple) and last[:1] == (MARK,) for last in code.co_consts[-1:])


def activate(code: CodeType, seen: Lines) -> tuple[CodeType, Callable[[], None]]:
    """`insert`'s result made to write into `seen`, and what switches on all its sites again."""
    memories: list[tuple[_Memory, list[Site]]] = []

    def live(part: CodeType) -> CodeType:
        *consts, _, (_, sites) = part.co_consts
        memory = _Memory()
        consts = [live(value) if isinstance(value, CodeType) else value for value in consts]
        part = part.replace(co_consts=(*consts, seen, memory))
        memory.contents = _Unit.from_address(id(part) + CodeType.__basicsize__)
        memories.append((memory, [site for site in sites if site[1] < len(seen)]))
        for unit, line, _, off in sites:
            if line >= len(seen):
                memory[unit] = off
        return part

    whole = live(code)

    def switch_on(_kept: CodeType = whole) -> None:  # the memories are there as long as the code is
        for memory, sites in memories:
            for unit, _, on, _ in sites:
                memory[unit] = on

    return whole, switch_on


def _line_starts(code: CodeType, ops: bytes, jumps: list[Edit], regions: list[Region]) -> list[tuple[int, int]]:
    """(unit, line) wherever the line of the instruction may not have been run yet, by any way that leads there.

    The code is cut into segments of one line that are entered at their start only. A line that was run on every way to a
    segment needs no site there: `for` and `while` lines have theirs before the loop.
    """
    line_of: list[int | None] = []
    for start, end, line in code.co_lines():
        line_of += [line] * ((end - start) // 2)
    if len(line_of) != len(ops):
        raise UnsupportedError(f"{code.co_name}: {len(ops)} units, but lines for {len(line_of)}")
    first = ops.index(RESUME) + 1  # as settrace does: no line is reported before
    resumes = {unit for unit, number in enumerate(ops) if number == RESUME and unit >= first}
    cuts = {unit for unit in range(first + 1, len(ops)) if line_of[unit] != line_of[unit - 1]}
    cuts |= {first, *resumes, *(jump.target for jump in jumps), *(region[2] for region in regions)}
    segments = sorted(cuts)
    number_of = {unit: number for number, unit in enumerate(segments)}
    if segments[0] < first or any(line_of[unit] != line_of[unit - 1] for unit in resumes):
        raise UnsupportedError(f"{code.co_name}: a jump before its start, or a line that starts at a RESUME")

    following: list[list[int]] = [[] for _ in segments]
    for number, unit in enumerate(segments[1:]):
        if ops[unit - 1] not in bytecode.NO_NEXT:
            following[number].append(number + 1)
    for jump in jumps:
        following[bisect_right(segments, jump.at) - 1].append(number_of[jump.target])
    for start, end, handler, _ in regions:
        for number in range(max(bisect_right(segments, start) - 1, 0), bisect_left(segments, end)):
            following[number].append(number_of[handler])

    bits: dict[int | None, int] = {None: 0}
    own = [bits.setdefault(line_of[unit], 1 << len(bits)) for unit in segments]
    # After a `yield` only its own line is known: the lines may have been restarted in between.
    before = [0, *[-1] * (len(segments) - 1)]  # lines run on every way to the segment, as bits; -1: all, nothing known yet
    changed = len(segments) <= MOST_SEGMENTS
    if not changed:
        before = [0] * len(segments)  # a site wherever a line may start: right too, only slower
    while changed:
        changed = False
        for number, bit in enumerate(own):
            run = bit if segments[number] in resumes else before[number] | bit
            for successor in following[number]:
                if before[successor] & ~run:
                    before[successor] &= run
                    changed = True
    return [
        (unit, line)
        for unit, bit, run in zip(segments, own, before, strict=True)
        if bit & ~run and unit not in resumes and (line := line_of[unit])
    ]


def _off(units: int) -> int:
    """What makes a site of so many units pass through."""
    return word(instruction(bytecode.NOP, 0, 1) if units == 1 else instruction(FORWARD, units - 1, 1))
