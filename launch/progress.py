"""The small files of a run: how far a task is, that it is done, and who works on it."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

UNITS = {"sample": "problems", "judge": "programs", "finetune": "steps", "sft": "steps", "stepcoder": "steps", "tables": "tables"}
LOOK_S = 0.5
INTERVAL_S = 0.5  # least time between two writes


class NotDoneError(RuntimeError):
    """A stage that is to start needs another that is not done."""


def write_json(path: Path, value: Any) -> None:
    """Writes `path` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"_{path.name}.{socket.gethostname()}.{os.getpid()}")
    beside.write_text(json.dumps(value) + "\n")
    beside.rename(path)


def read_json(path: Path) -> dict[str, Any] | None:
    """What `write_json` wrote; None where there is no such file."""
    try:
        return dict(json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def home(run: Path, stage: str) -> Path:
    """The run that does a stage: another point of the sweep where `run` shares it, and so holds a link to it."""
    while (link := run / stage).is_symlink():
        run = Path(os.path.normpath(run / os.readlink(link))).parent
    return run


def done_path(run: Path, stage: str, shard: int) -> Path:
    """The file whose being there says that a shard is whole."""
    return run / stage / "_done" / f"{shard}.json"  # readers of a folder of parts pass over names with _


def done_shards(run: Path, stage: str) -> set[int]:
    """The shards of a stage that are whole."""
    return {int(path.stem) for path in (run / stage / "_done").glob("*.json") if path.name[0] != "_"}


def wait_for_shards(run: Path, stage: str, shards: int, seconds: float) -> None:
    """Until all of a stage's shards are seen to be whole: another node's files may be late on a shared file system.

    NotDoneError where they are not.
    """
    until = time.monotonic() + seconds
    while missing := sorted(set(range(shards)) - done_shards(run, stage)):
        if time.monotonic() >= until:
            first = f"{len(missing)} of {shards} shards are missing, {missing[0]} first"
            raise NotDoneError(f"{run}: stage {stage!r} is not done: {first}")
        time.sleep(LOOK_S)


def lock_path(run: Path, stage: str, shard: int) -> Path:
    """Locked by whoever works on a shard."""
    return run / stage / "_lock" / str(shard)


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Holds an exclusive lock on `path`; waits for whoever holds it.

    A POSIX lock: forked workers do not inherit it, so it ends with this process, and network file systems know it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            print(f"{what}: waiting for {file.read().strip() or 'another process'}, which works on it", file=sys.stderr)
            fcntl.lockf(file, fcntl.LOCK_EX)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        file.flush()
        yield


def held(lock: Path) -> bool:
    """Whether a process holds this lock."""
    if not lock.exists():
        return False
    with lock.open("r+") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def progress_path(run: Path, stage: str, shard: int) -> Path:
    """How far a shard is."""
    return home(run, stage) / "progress" / f"{stage}-{shard}.json"


class Progress:
    """`progress(done, total)` of one task, kept in a file for whoever watches; at most two writes a second."""

    def __init__(self, path: Path, unit: str) -> None:
        self.path = path
        self.unit = unit
        self.started = time.time()
        self._written = 0.0

    def __call__(self, done: int, total: int, note: str = "") -> None:
        now = time.time()
        if now - self._written >= INTERVAL_S or done >= total:
            self._written = now
            row = {"done": done, "total": total, "unit": self.unit, "started": self.started, "updated": now, "note": note}
            write_json(self.path, row)
