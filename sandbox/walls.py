"""Whether there is a jail: what the kernel says of a jail's first process, looked at from out here before any program is sent.

The process is not asked. The kernel names the sender of its first message, and /proc describes that process; so a wrapper
that runs the command as it stands, or an nsjail that leaves a wall out, is found out whatever the configuration says.
"""

from __future__ import annotations

import itertools
import os
import re
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_NAMESPACES = ("user", "pid", "mnt", "net", "ipc", "uts")
_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid


@dataclass(frozen=True, slots=True)
class Mounts:
    """Where a jail may have something mounted: host files (read-only, and what is mounted below them), and tmpfs."""

    binds: frozenset[str]
    scratch: frozenset[str]


def mounts_of(command: Sequence[str]) -> Mounts:
    """The mounts that an nsjail command line asks for, by its flags -R (source:target, or one path) and -m."""
    asked = list(itertools.pairwise(command))
    binds = frozenset(value.split(":")[-1] for flag, value in asked if flag == "-R")
    return Mounts(binds, frozenset(value.split(":")[1] for flag, value in asked if flag == "-m"))


def name_senders(sock: socket.socket) -> None:
    """Lets the kernel name the sender of what comes from now on; for `sender`, before the other side has written."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)


def sender(sock: socket.socket) -> int | None:
    """The process id, as seen here, of who wrote the next bytes, which stay unread; None where the other side has gone."""
    _, ancillary, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(_CREDENTIALS.size), socket.MSG_PEEK)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(_CREDENTIALS.unpack(data)[0])
    return None


def missing(pid: int, mounts: Mounts, proc: Path = Path("/proc"), capabilities: int = 0) -> list[str]:
    """The walls that process `pid` lacks, in words; empty: it is jailed.

    capabilities: bits that it may hold, in a user namespace of its own. Raises OSError where /proc does not show it.
    """
    process = proc / str(pid)
    status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    shared = [name for name in _NAMESPACES if os.readlink(process / "ns" / name) == os.readlink(proc / "self" / "ns" / name)]
    held = int(status["CapPrm"], 16) & ~capabilities
    checks = (
        (not shared, f"it shares this machine's namespaces ({' '.join(shared)})"),
        (status["NSpid"].split()[-1] == "1", "it is not process 1 of its process namespace"),
        ("0" not in status["Uid"].split(), "it is root on this machine"),
        (not held, f"it holds capabilities ({held:#x})"),
        (status.get("NoNewPrivs", "").strip() == "1", "it may gain privileges (no_new_privs is not set)"),
        (status.get("Seccomp", "").strip() == "2", "no seccomp filter"),
    )
    return [hole for holds, hole in checks if not holds] + _open_mounts(process, mounts)


def _open_mounts(process: Path, mounts: Mounts) -> list[str]:
    """What is mounted beyond what was asked for, and what is writable of it."""
    stray, writable, root = [], [], ""
    for line in (process / "mountinfo").read_text(errors="surrogateescape").splitlines():
        fields = line.split(" ")
        point = re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), fields[4])
        if point == "/":
            root = fields[fields.index("-") + 1]  # the type of the file system
        elif not (point in mounts.scratch or point in mounts.binds or any(point.startswith(f"{b}/") for b in mounts.binds)):
            stray.append(point)
        if "ro" not in fields[5].split(",") and (point == "/" or point in mounts.binds):
            writable.append(point)
    return [
        *([f"its root is a file system of type {root or 'unknown'}, not an empty tmpfs"] if root != "tmpfs" else []),
        *([f"{len(stray)} more mounts ({_some(stray)})"] if stray else []),
        *([f"it may write to {_some(writable)}"] if writable else []),
    ]


def _some(paths: Sequence[str]) -> str:
    return ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
