"""Stopping at the end of a step: a signal is noted, all ranks save, then it is sent again and does what it would have done."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

import torch
import torch.distributed as dist

HEEDED = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2)
AGAIN_S = 0.5  # torchrun hands on the Ctrl-C that its processes have had already


@dataclass(slots=True)
class Asked:
    """The signal that asks for an end, 0 before one came. Made by `heeded`; agreed on by `stopping`."""

    number: int = 0
    since: float = 0.0


@contextmanager
def heeded() -> Iterator[Asked]:
    """Within, signals to end are noted; ignored ones stay ignored. Left well, the noted one is sent again to the earlier handler.

    So a default handler ends the process by that very signal, and a scheduler's own handler finds the checkpoint written. Where
    that handler comes back, SystemExit is raised: after a noted signal this context is never left as if all were done.
    Ctrl-C after a noted signal, half a second later or more, acts at once. Only the main thread heeds.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        if asked.number:
            if number == signal.SIGINT and time.monotonic() - asked.since >= AGAIN_S:
                restore()
                signal.raise_signal(number)
        else:
            asked.number, asked.since = number, time.monotonic()
            again = "; Ctrl-C again stops at once" if number == signal.SIGINT else ""
            line = f"{signal.Signals(number).name}: a checkpoint at the end of this step, then the end{again}\n"
            with suppress(OSError):  # nobody may be there to read it
                os.write(2, line.encode())  # logging's stream may be in the middle of a line

    others = (signal.SIG_IGN, None)  # None: a handler that is not Python's, such as faulthandler's
    before |= {number: signal.signal(number, note) for number in HEEDED if signal.getsignal(number) not in others}
    try:
        yield asked
    finally:
        restore()
    if asked.number:
        sys.stdout.flush()  # a default handler does not
        signal.raise_signal(asked.number)
        raise SystemExit(128 + asked.number)


def stopping(asked: Asked, device: torch.device) -> bool:
    """Whether any rank was asked to end; then all were. All ranks must call it."""
    number = torch.tensor(asked.number, device=device)
    dist.all_reduce(number, dist.ReduceOp.MAX)
    if agreed := int(number):  # a signal that came meanwhile is not overwritten: it counts at the next step
        asked.number, asked.since = agreed, asked.since or time.monotonic()
    return agreed != 0
