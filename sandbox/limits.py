"""What one run of a program may use."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Limits:
    """Limits of one test. CPU seconds decide; the wall is looser, so that a busy node fails no right program."""

    cpu_s: float = 5.0
    wall_s: float = 20.0
    memory_mib: int = 1024  # address space of a process
    output_bytes: int = 1 << 20  # of standard output, and of any file it writes
    processes: int = 32  # threads at once; a program can start no process
    open_files: int = 64
    scratch_mib: int = 16  # size of /tmp in the jail

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, (int, float)) or value <= 0:
                raise ValueError(f"limit {field.name} must be a number above 0, not {value!r}")
        if self.wall_s < self.cpu_s:
            raise ValueError(f"limit wall_s ({self.wall_s}) must not be below cpu_s ({self.cpu_s})")
