"""The memory files of a program's session: what its tests read and write, shared with the jail by descriptor."""

from __future__ import annotations

import fcntl
import mmap
import os

MOST_LINES = 1 << 16  # that a trace tells apart


class Files:
    """Memory files that a test reads and writes; read here only when every process of the test is dead, or waits.

    streams: how many of them are the program's descriptors 0, 1, 2 … The rest are the stage, which tells how far a process came
    before the program's first line, and the trace: a flag, then a byte a line.
    """

    def __init__(self, streams: int, lines: int) -> None:
        self.fds = [os.memfd_create(f"test-{i}", os.MFD_CLOEXEC) for i in range(streams + 2)]
        self._streams, self._outputs = self.fds[:streams], self.fds[1:streams]
        self._stage, trace = self.fds[streams:]
        self._zeros = bytes(1 + min(lines, MOST_LINES))
        os.ftruncate(trace, len(self._zeros))
        self._trace = mmap.mmap(trace, len(self._zeros))
        self._staged = 0  # bytes of the stage that were read

    def reset(self, content: bytes = b"") -> None:
        """Empties all files, rewinds them, and fills the first one. The jail shares offsets and flags."""
        for fd in self._streams:
            os.ftruncate(fd, 0)
            os.lseek(fd, 0, os.SEEK_SET)
            fcntl.fcntl(fd, fcntl.F_SETFL, 0)  # O_APPEND or O_NONBLOCK would outlive the process that set it
        self._trace[:] = self._zeros
        written = 0
        while written < len(content):
            written += os.pwrite(self.fds[0], content[written:], written)

    def read(self, number: int, limit: int) -> bytes:
        """At most `limit` bytes of a file."""
        fd = self.fds[number]
        size = os.fstat(fd).st_size
        return os.pread(fd, min(limit, size), 0) if size else b""

    def largest(self) -> int:
        """Bytes of the largest output file."""
        return max(os.fstat(fd).st_size for fd in self._outputs)

    def lines(self) -> tuple[int, ...]:
        """The lines that ran."""
        seen = self._trace[:]
        return tuple(line for line, byte in enumerate(seen) if byte and line)

    def flag(self) -> int:
        """What the process says of its own end (wire.OUT_OF_MEMORY); a program can forge it."""
        return self._trace[0]

    def staged(self) -> bytes:
        """What came onto the stage since it was last asked for."""
        size = os.fstat(self._stage).st_size - self._staged
        if size == 0:
            return b""
        news = os.pread(self._stage, size, self._staged)
        self._staged += len(news)
        return news

    def close(self) -> None:
        self._trace.close()
        for fd in self.fds:
            os.close(fd)
