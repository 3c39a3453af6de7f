"""One program's stay in a jail: a socket to its warden, the memory files it reads and writes, and the clock on its tests.

The warden forks a process for each test and says how it ended. That process is watched from out here, where nothing can be
forged and no page of the warden is touched: its CPU seconds are the kernel's, and a process beyond a limit is killed.
"""

from __future__ import annotations

import json
import math
import os
import select
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

from sandbox import clock, walls
from sandbox.files import Files
from sandbox.inside import runner, wire
from sandbox.limits import Limits
from sandbox.verdict import Span

GRACE_S = 10.0  # for what should come at once, before the jail itself is held to be broken
DEATH_S = 60.0  # for a killed process to be gone: it needs a core for that
BUSY_S = 120.0  # more than the wall limit, at most, for waiting for a core: some schedulers let a new process wait for 20 s
LOOK_S = 0.05  # between two looks at a process that waits for one
SCRIPT = Path(runner.SCRIPT).name


class Closable(Protocol):
    """What a session may own."""

    def close(self) -> None: ...


class JailError(RuntimeError):
    """The jail failed, not the program in it."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a test's process has used, and how it ended. Made by a session, read by `sandbox.outcome`."""

    wall_s: float
    cpu_s: float
    memory_mib: float = 0.0  # its peak; known when it has ended
    status: int | None = None  # as wait(2) tells it; None: it lives on
    over: str = ""  # the clock it was killed for: "wall", "CPU"


class Session:
    """A context manager. Every failure of the jail is a JailError here, after which the session is of no more use."""

    def __init__(
        self, ours: socket.socket, job: dict[str, Any], streams: int, limits: Limits, jail: Closable | None = None
    ) -> None:
        """streams: memory files that become the program's descriptors 0, 1, 2 …; jail: one that ends with the session."""
        self._socket, self._limits, self._jail = ours, limits, jail
        self.compiled = False  # whether the interpreter took the program; known when a test has ended
        self.patient = True  # whether what a process waits for a core is given back; ends with a test that runs out of time
        self.statements: list[Span] = []
        lines = len(job["source"].replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n"))
        self.files = Files(streams, lines)
        self._scratch = self._warden = self._children = -1  # descriptors
        self._pid: int | None = None  # of the test's process, once it was looked for
        self._running = False
        try:
            self._open(job)
        except (OSError, EOFError, wire.WireError) as error:
            self.close()
            raise JailError(f"the jail opened no session ({error})") from error
        except JailError:
            self.close()
            raise

    def _open(self, job: dict[str, Any]) -> None:
        walls.name_senders(self._socket)
        self._socket.settimeout(GRACE_S)
        wire.send(self._socket, job, self.files.fds)
        pid = walls.sender(self._socket)
        words, fds = wire.receive_bytes(self._socket, max_fds=1)
        if pid is None or not fds:
            raise JailError(f"a session could not be opened: {words.decode('utf-8', 'replace')}")
        (self._scratch,) = fds
        self._warden = os.pidfd_open(pid)
        try:
            self._children = os.open(f"/proc/{pid}/task/{pid}/children", os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise JailError(f"/proc shows no children of a process (a kernel without CONFIG_PROC_CHILDREN?): {error}") from error
        self._untouched = self._changes()
        self._socket.settimeout(self._limits.cpu_s)

    def start(self, request: Any = None, fds: Sequence[int] = ()) -> None:
        """Asks for a process for a test, descriptors along."""
        self._started, self._cpu_before, self._pid, self._running = time.monotonic(), 0.0, None, True
        self._waited_before = 0.0
        try:
            wire.send_bytes(self._socket, wire.dumps(request) if request is not None else b"", fds)
        except OSError as error:
            raise JailError(f"the jail takes no request ({error})") from error

    def end(self, within_s: float = math.inf, until: socket.socket | None = None) -> Run | None:
        """Waits for the end of the test's process; kills it at its limits, or when it has had `within_s` seconds more.

        until: None comes back as soon as this socket has something to read, and the process lives on.
        """
        at_once = until is None and within_s == math.inf
        if at_once and (run := self._ended()):  # what all but slow tests are
            return run
        over, killed, give_up = "", False, math.inf
        end_by = time.monotonic() + within_s
        cpu_left = self._limits.cpu_s - (self._cpu_s() if at_once else 0.0)  # it has had as many seconds as it may use
        while True:
            now = time.monotonic()
            wall_left = min(self._wall_left(now), end_by - now)
            if not killed and (wall_left <= 0 or cpu_left <= 0):
                over = "" if now >= end_by else "wall" if wall_left <= 0 else "CPU"
                self.patient = self.patient and not over
                self.kill()
                killed, give_up, until = True, now + DEATH_S, None
            timeout = give_up - now if killed else max(min(wall_left, cpu_left), 0.01)  # not less: no spinning beside a busy node
            if timeout <= 0:
                raise JailError(f"the jail gave no report within {DEATH_S:.0f} s of a test's end")
            ready, _, _ = select.select([self._socket, *([until] if until else [])], [], [], timeout)
            if self._socket in ready and (run := self._ended(over)):
                return run
            if ready:
                return None
            cpu_left = self._limits.cpu_s - self._cpu_s()

    def mark(self) -> Run:
        """What the test's process has used since it started, or since the last mark: both clocks start anew."""
        if select.select([self._socket], [], [], 0)[0] or self._process() is None:
            run = self.end()
            assert run is not None  # without `until` there is nothing else to wait for
            return run
        now, cpu = time.monotonic(), self._cpu_s() + self._cpu_before
        run = Run(now - self._started, cpu - self._cpu_before)
        self._started, self._cpu_before, self._waited_before = now, cpu, self._waited_s()
        return run

    def kill(self) -> None:
        """Kills the test's process; `end` tells how it stood."""
        pid = self._process()
        if pid is None:
            return
        with suppress(ProcessLookupError):
            process = os.pidfd_open(pid)
            try:
                if pid in self._forked():  # still: so it is the one behind the descriptor
                    signal.pidfd_send_signal(process, signal.SIGKILL)
            finally:
                os.close(process)

    @property
    def dirty(self) -> bool:
        """Whether a test left or changed something in /tmp, which only a new session mends."""
        try:
            return self._changes() != self._untouched
        except OSError:
            return True

    def _changes(self) -> tuple[object, ...]:
        """What any change in /tmp moves: names and flags there its own time, the script's content and mode the script's.

        The script may be read only, and to make it writable moves its time too: a mapping of it could be written unseen.
        """
        names = os.listdir(self._scratch)
        seen = [os.fstat(self._scratch)]
        if SCRIPT in names:
            seen.append(os.stat(SCRIPT, dir_fd=self._scratch, follow_symlinks=False))  # a link would lead out of the jail
        return names, *((each.st_mode, each.st_ctime_ns) for each in seen)

    def _ended(self, over: str = "") -> Run | None:
        """The warden's report; None where it does not come in time."""
        try:
            data = wire.exactly(self._socket, wire.ENDED.size)
        except TimeoutError:
            return None
        except (EOFError, OSError) as error:
            raise JailError(f"the jail ended ({error})") from error
        now = time.monotonic()
        number, status, cpu_s, peak_kib = wire.ENDED.unpack(data)
        if number:
            raise JailError(f"no process for a test: {os.strerror(number)}")
        self._running = False
        self._look_at_stage()
        return Run(now - self._started, cpu_s - self._cpu_before, peak_kib / 1024, status, over)

    def _look_at_stage(self) -> None:
        news = self.files.staged()
        if not news:
            return
        if news.startswith(runner.UNCONFINED):
            raise JailError(f"the program's process could not be confined: {news[1:].decode('utf-8', 'replace')}")
        if not self.compiled and news.startswith(runner.COMPILED):
            length = int.from_bytes(news[1:9], "little")
            try:
                self.statements = [(first, header, last) for first, header, last in json.loads(news[9 + length :])]
            except ValueError:  # it was killed while it wrote
                return
        self.compiled = True

    def _process(self) -> int | None:
        """The process id, as seen here, of the test's process; None: it has ended, and the report is there."""
        while self._pid is None:
            forked = self._forked()
            if forked:
                self._pid = forked[0]
            elif select.select([self._socket], [], [], 0.001)[0]:
                return None
            elif time.monotonic() > self._started + self._limits.wall_s + GRACE_S:
                raise JailError("the jail forked no process for a test")
        return self._pid

    def _forked(self) -> list[int]:
        try:
            return [int(pid) for pid in os.pread(self._children, 1 << 12, 0).split()]
        except OSError as error:
            raise JailError(f"the jail's processes are out of sight ({error})") from error

    def _cpu_s(self) -> float:
        """CPU seconds of the test's process since the last mark."""
        pid = self._process()
        try:
            return clock.cpu_s(pid) - self._cpu_before if pid is not None else 0.0
        except OSError:  # it has ended, and the report is on its way
            return 0.0

    def _wall_left(self, now: float) -> float:
        """Seconds of the wall limit that are left. When they seem over, what the process waited for a core is given back to it.

        So a busy node fails no program that computes; one that sleeps, or waits for what never comes, gets nothing back. Nor
        does one that has failed by its time already: each further test of an endless program would hold a busy node longer.
        """
        left = self._limits.wall_s - (now - self._started)
        if left > 0 or not self.patient:
            return left
        given = min(self._waited_s() - self._waited_before, BUSY_S)
        if left + given <= 0 < left + BUSY_S and not self._asleep():  # a wait that goes on: the kernel counts it when it is over
            return LOOK_S
        return left + given

    def _waited_s(self) -> float:
        pid = self._process()
        try:
            return clock.waited_s(pid) if pid is not None else 0.0
        except OSError:  # it has ended, or nobody counts
            return 0.0

    def _asleep(self) -> bool:
        pid = self._process()
        try:
            return pid is not None and clock.asleep(pid)
        except OSError:  # it has ended, and the report is on its way
            return False

    def close(self) -> None:
        """Ends the session: its processes, its mounts and its files."""
        if self._running and self._warden >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._warden, signal.SIGKILL)  # it waits for a process that may never end
        self._socket.close()
        self.files.close()
        for fd in (self._scratch, self._warden, self._children):
            if fd >= 0:
                os.close(fd)
        self._scratch = self._warden = self._children = -1
        if self._jail is not None:
            self._jail.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
