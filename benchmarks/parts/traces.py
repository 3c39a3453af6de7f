"""What a judge could leave behind on a machine: processes, open files, mounts, files, memory. Read from /proc, by pid."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHARED_FOLDERS = (Path("/tmp"), Path("/var/tmp"), Path("/dev/shm"))
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_WORKER = b"--multiprocessing-fork"  # in the command lines of a pool's workers alone


@dataclass(frozen=True, slots=True)
class Traces:
    """What there is at one moment. Processes are those of the tree that `keep` has started."""

    processes: int  # this one included
    own_fds: int  # open in this process
    worker_fds: int  # the most that one worker has open; 0 without workers
    mounts: tuple[str, ...]  # lines of the host's mount table
    own_mib: float  # resident memory of this process
    worker_mib: float  # the most resident memory of one worker


def keep(command: list[str]) -> int:
    """Runs a command, and adopts and reaps what loses its parent below it, as a machine's first process does; its exit status.

    So no process can leave the tree: what the command has left behind is found below this process, which is its parent.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    child = os.posix_spawn(command[0], command, os.environ)
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def die_with_keeper() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def descendants(root: int) -> list[int]:
    """The pids of all processes below `root`, those not yet reaped included."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        with suppress(OSError):  # it has ended since
            if folder.name.isdigit():
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                children.setdefault(int(parent), []).append(int(folder.name))
    found, todo = list[int](), [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def _open_fds(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def _resident_mib(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def traces() -> Traces:
    """Those of this moment. Only in a process that `keep` has started."""
    below = descendants(os.getppid())
    fds, memory = [0], [0.0]
    for pid in below:
        with suppress(OSError):  # it has ended since
            if _WORKER in Path(f"/proc/{pid}/cmdline").read_bytes():
                fds.append(_open_fds(pid))
                memory.append(_resident_mib(pid))
    return Traces(
        processes=len(below),
        own_fds=_open_fds(os.getpid()),
        worker_fds=max(fds),
        mounts=tuple(Path("/proc/self/mountinfo").read_text().splitlines()),
        own_mib=_resident_mib(os.getpid()),
        worker_mib=max(memory),
    )


def settled(processes: int, patience_s: float = 10.0) -> Traces:
    """The traces when no more than `processes` are left, or when patience has run out."""
    until = time.monotonic() + patience_s
    while True:
        now = traces()
        if now.processes <= processes or time.monotonic() > until:
            return now
        time.sleep(0.05)


def files_left(token: str, own_folder: Path) -> list[str]:
    """Files that bear the token where all may write, in our working folder and at /; and all that lie in `own_folder`."""
    shared = (path for folder in (*SHARED_FOLDERS, Path(), Path("/")) if folder.is_dir() for path in folder.iterdir())
    return sorted([str(path) for path in shared if token in path.name] + [str(path) for path in own_folder.rglob("*")])
