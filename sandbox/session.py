"""One program's stay in a jail: a socket to its warden, and the memory files that are its standard streams."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from typing import Any, Protocol, Self

from sandbox.inside import wire
from sandbox.verdict import Span


class Closable(Protocol):
    """What a session may own."""

    def close(self) -> None: ...


GRACE_S = 10.0  # beyond a test's wall limit, before the jail itself is held to be broken


class JailError(RuntimeError):
    """The jail failed, not the program in it."""


class Files:
    """Memory files that a test reads and writes; read here only when every process of the test is dead, or waits."""

    def __init__(self, count: int) -> None:
        self.fds = [os.memfd_create(f"test-{i}", os.MFD_CLOEXEC) for i in range(count)]

    def reset(self, content: bytes = b"") -> None:
        """Empties all files, rewinds them, and fills the first one. The jail shares the offsets."""
        for fd in self.fds:
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
        written = 0
        while written < len(content):
            written += os.pwrite(self.fds[0], content[written:], written)

    def read(self, number: int, limit: int) -> bytes:
        """At most `limit` bytes of a file."""
        fd = self.fds[number]
        return os.pread(fd, min(limit, os.fstat(fd).st_size), 0)

    def largest(self) -> int:
        """Bytes of the largest output file."""
        return max(os.fstat(fd).st_size for fd in self.fds[1:])

    def close(self) -> None:
        for fd in self.fds:
            os.close(fd)


class Session:
    """A context manager. Every failure of the jail is a JailError here, after which the session is of no more use."""

    def __init__(self, ours: socket.socket, job: dict[str, Any], files: int, wall_s: float, jail: Closable | None = None) -> None:
        """jail: one that ends with the session."""
        self._socket, self._patience_s, self._jail = ours, wall_s + GRACE_S, jail
        self.compiled = True  # whether the interpreter took the program
        self.dirty = False  # whether something of a test is left that only the session's end removes
        self.statements: list[Span] = []
        self.files = Files(files)
        self._socket.settimeout(self._patience_s)
        try:
            self.ask(job, self.files.fds)
        except JailError:
            self.close()
            raise

    def ask(self, request: dict[str, Any], fds: Sequence[int] = ()) -> None:
        """Sends one request to the warden, descriptors along."""
        try:
            wire.send(self._socket, request, fds)
        except OSError as error:
            raise JailError(f"the jail takes no request ({error})") from error

    def report(self) -> dict[str, Any]:
        """The warden's next report; JailError where none comes within the wall limit and some seconds."""
        try:
            report, _ = wire.receive(self._socket)
        except TimeoutError as error:
            raise JailError(f"the jail gave no report within {self._patience_s:.0f} s") from error
        except (EOFError, OSError, wire.WireError) as error:
            raise JailError(f"the jail ended ({error})") from error
        if not isinstance(report, dict):
            raise JailError(f"the jail's report is malformed: {report!r:.100}")
        if "failed" in report:
            raise JailError(str(report["failed"]))
        self.compiled = report.get("compiled", self.compiled)
        self.dirty = report.get("dirty", self.dirty)
        self.statements = [(first, header, last) for first, header, last in report.get("spans", [])] or self.statements
        return report

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Asks for a test and waits for its report."""
        self.ask({"do": "test"} | request)
        return self.report()

    def close(self) -> None:
        """Ends the session: its processes, its mounts and its files."""
        self._socket.close()
        self.files.close()
        if self._jail is not None:
            self._jail.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
