"""FGO: which generated tokens the unit tests executed (StepCoder, arXiv 2402.01391): m_j = 1 where token j ran, else 0.

    executed lines + statements → a flag a line → (where each token stands in the text) → a flag a token

Nothing here parses a program. The line trace can be forged by the program it is of: it shapes this mask, never a reward.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from typing import Any

from sandbox.verdict import Span

LINE_ENDS = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")  # as Python counts lines; str.splitlines would also cut at form feeds
CLAUSE = re.compile(r"[ \t\f]*(?:elif|else|except|finally)\b")  # such a line ends one block of a statement, begins another
HANDLER = re.compile(r"[ \t\f]*except\b")
LONGEST_CHARACTER = 4  # tokens: bytes in UTF-8


def loss_mask(
    ids: Sequence[int],
    tokenizer: Any,
    program: str,
    statements: Sequence[Span],
    executed: Collection[int],
    program_start: int = 0,
) -> list[bool]:
    """m_j of a completion: for each of its token ids, whether the policy loss counts it.

    `program` is the judged text; `statements` and `executed` (lines from 1, union over the tests) are what the judge said of
    it. `program_start` is the place of the program's first character in the decoded completion: 0 behind a prefilled fence,
    −n where the first n characters of the program stand in the prompt (CCCS). ValueError: the program does not stand there.

    All ones where no line ran, as in a program that does not compile: zeros would erase its reward of −1. All ones also
    where the judge knows no statements (a run without a trace, a syntax tree too large).
    """
    text = tokenizer.decode(list(ids), skip_special_tokens=True)
    end = max(program_start + len(program), 0)
    if text[max(program_start, 0) : end] != program[max(-program_start, 0) :]:
        raise ValueError(
            f"program_start {program_start}: the program {program[max(-program_start, 0) :]!r:.60} does not stand there in the "
            f"completion {text!r:.60}; valid is 0, or minus the length of the prefix in the prompt, with the program judged"
        )
    if not executed or not statements:
        return [True] * len(ids)
    line_mask = executed_line_mask(program, statements, executed)
    return executed_tokens(token_spans(ids, tokenizer), text, program, line_mask, program_start)


def executed_line_mask(program: str, statements: Sequence[Span], executed: Collection[int]) -> list[bool]:
    """For each line of the program, whether the innermost statement that holds it ran.

    A line in a statement's header (decorators and continuation lines included) goes with that statement; several on one line
    share their fate. A line in none, such as `else:`, `finally:`, a comment or a blank line, goes with the next line that is
    in one, and behind the last statement with that. ValueError: a statement that ends behind the program's last line.
    """
    lines = LINE_ENDS.split(program)
    held: list[bool | None] = [None] * len(lines)
    ran = _statements_ran(lines, statements, executed)
    for (first, header, _), did in zip(statements, ran, strict=True):
        for place in range(first - 1, header):
            held[place] = did or bool(held[place])
    mask = []
    following = bool(ran) and ran[-1]
    for own in reversed(held):
        following = following if own is None else own
        mask.append(following)
    return mask[::-1]


def _statements_ran(lines: Sequence[str], statements: Sequence[Span], executed: Collection[int]) -> list[bool]:
    """Whether each statement ran: the trace names a line of its header, or one inside it or later in its block ran.

    Any line of the header, because `x = (⏎ f(y)⏎)` begins on its second line and may end there. What stands inside or later,
    because docstrings, `global` and bare annotations have no events: where the block went on behind them, they ran.
    An `except` line is reported when it is compared with the exception; it goes with its body, as `else:` does.
    """
    seen = set(executed)
    ran = []
    for first, header, last in statements:
        if not 1 <= first <= header <= last <= len(lines):
            raise ValueError(f"statement {(first, header, last)} does not lie in the program's lines 1 to {len(lines)}")
        ran.append(not HANDLER.match(lines[first - 1]) and not seen.isdisjoint(range(first, header + 1)))
    implied = list(_implied(lines, statements))
    for place in reversed(range(len(ran))):  # what is inside or later stands behind
        if ran[place]:
            for other in implied[place]:
                ran[other] = True
    return ran


def _implied(lines: Sequence[str], statements: Sequence[Span]) -> Iterator[list[int]]:
    """For each statement, those that ran if it did: the one around it, and the one before it in its block (of `case`s too)."""
    around: list[int] = []
    latest: dict[int, int] = {}  # the last statement met in each statement; -1: in the module
    for place, (first, _, last) in enumerate(statements):
        while around and statements[around[-1]][2] < last:
            around.pop()
        parent = around[-1] if around else -1
        before = latest.get(parent)
        if before is not None and any(map(CLAUSE.match, lines[statements[before][2] : first])):
            before = None
        yield [*around[-1:], *([] if before is None else [before])]
        latest[parent] = place
        around.append(place)


def token_spans(ids: Sequence[int], tokenizer: Any) -> list[tuple[int, int]]:
    """Where each token stands in `tokenizer.decode(ids, skip_special_tokens=True)`: (first character, behind the last).

    The spans lie end to end and cover the text. They are empty for special tokens, and for all but the last token of a
    character that is spread over several. Made by decoding the ids bit by bit, since the text may also have other tokens.
    """
    text = tokenizer.decode(list(ids), skip_special_tokens=True)
    special = {token for token, added in tokenizer.added_tokens_decoder.items() if added.special}

    @cache
    def decoded(window: tuple[int, ...]) -> str:
        return str(tokenizer.decode(list(window), skip_special_tokens=True))

    spans: list[tuple[int, int]] = []
    settled, end = 0, 0  # up to where the text is explained by whole tokens; by any
    context: tuple[int, ...] = ()  # decoded in front of the open ones: the first word of a text may lose its blank
    opened: tuple[int, ...] = ()
    final = max((place for place, token in enumerate(ids) if token not in special), default=-1)
    for place, token in enumerate(ids):
        reached = end
        if token not in special:
            opened += (token,)
            begin, gained = settled, decoded(context + opened)[len(decoded(context)) :]
            waits = gained.endswith("\ufffd") and len(opened) < LONGEST_CHARACTER  # for the rest of a character
            if place == final or not (waits or text.startswith(gained, begin)):  # what stands further back matters
                begin, gained = 0, decoded(tuple(ids[: place + 1]))
            common = _common(gained, text[begin : begin + len(gained)])
            reached = max(end, begin + common)
            if gained and common == len(gained):
                context, opened, settled = opened, (), begin + common
        spans.append((end, reached))
        end = reached
    return spans


def _common(one: str, other: str) -> int:
    """Characters that two texts share at their beginning."""
    if one == other:
        return len(one)
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def executed_tokens(
    spans: Sequence[tuple[int, int]], text: str, program: str, line_mask: Sequence[bool], program_start: int = 0
) -> list[bool]:
    """For each token, whether a line ran that holds a character of it; `spans` are places in `text`, the completion.

    Blanks do not count where a token holds anything else. In a token of blanks alone a line feed belongs to the line that it
    ends and indentation to the line that it begins. A token without characters (part of one, or a special token) goes with
    the character behind it. All that stands outside the program is 1: the end-of-text token, the closing fence and prose
    are no code that the tests could have left out, and the policy must learn to stop. `program_start` is that of `loss_mask`.
    """
    lines = LINE_ENDS.split(program)
    if len(line_mask) != len(lines):
        raise ValueError(f"a mask of {len(line_mask)} lines for a program of {len(lines)}")
    ran = [did for line, did in zip(lines, line_mask, strict=True) for _ in line]  # a flag a character
    counted = [True] * max(program_start, 0) + ran[max(-program_start, 0) :]
    counted += [True] * (len(text) + 1 - len(counted))  # one more: the end, where tokens without characters may stand
    mask = []
    for first, last in spans:
        places = [place for place in range(first, last) if not text[place].isspace()]
        mask.append(any(counted[place] for place in places or range(first, max(last, first + 1))))
    return mask
