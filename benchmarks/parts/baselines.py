"""Two bounds of what judging costs: a fresh jail with a fresh python for every test, and a bare fork that does nothing.

The fresh jail is as hardened as our own: namespaces of its own, no host files but the interpreter's, no /proc, an empty /tmp,
limits, and the same refused system calls.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from sandbox.jail import library_folders
from sandbox.seccomp import policy

_NOT_NEEDED = ("site-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "config-*")


@contextmanager
def reachable(paths: Sequence[Path]) -> Iterator[dict[Path, Path]]:
    """path → where the jail's user can reach it: itself, or, as root, a copy of what lies in root's own home."""
    with tempfile.TemporaryDirectory() as folder:
        copies = Path(folder)
        copies.chmod(0o755)
        sources = {}
        for number, path in enumerate(paths):
            sources[path] = path
            if os.geteuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in path.parents):
                sources[path] = copies / str(number)
                if path.is_dir():
                    shutil.copytree(path, sources[path], symlinks=True, ignore=shutil.ignore_patterns(*_NOT_NEEDED))
                else:
                    shutil.copy2(path, sources[path])
        yield sources


def jail_command(nsjail: Path, python: Path, sources: Mapping[Path, Path], program: str) -> list[str]:
    """nsjail's command line that runs the text of one program. `sources`: path in the jail → path outside."""
    root = os.geteuid() == 0
    binds = {folder: folder for folder in library_folders()} | dict(sources)
    binds |= {device: device for device in map(Path, ("/dev/null", "/dev/zero", "/dev/urandom"))}
    return [
        *(str(nsjail), "-Mo", "-Q", "-t", "20"),
        *("-u", f"65534:{100000 if root else os.geteuid()}:1", "-g", f"65534:{100000 if root else os.getegid()}:1"),
        *(part for target, source in binds.items() for part in ("-R", f"{source}:{target}")),
        *("-m", "none:/tmp:tmpfs:size=16777216,nr_inodes=4096,mode=0777", "--disable_proc", "--cwd", "/tmp"),
        *("-E", "PATH=/bin", "-E", "HOME=/tmp", "-E", "LANG=C.UTF-8", "-E", "PYTHONHASHSEED=0"),
        *("--rlimit_as", "1024", "--rlimit_cpu", "5", "--rlimit_fsize", "1", "--rlimit_nofile", "64"),
        *("--rlimit_nproc", "32", "--rlimit_stack", "64", "--rlimit_core", "0", "--seccomp_string", policy()),
        *("--", str(python), "-S", "-s", "-X", "utf8", "-c", program),
    ]


FLOOR = """
import importlib, json, os, sys, time
if {hooks}:
    import threading
else:
    os.register_at_fork = lambda **hooks: None
sys.path.insert(0, {root!r})
for name in {modules!r}:
    importlib.import_module("sandbox.inside." + name)
for name in sys.modules["sandbox.inside.zygote"].WARM:
    importlib.import_module(name)
for line in sys.stdin:
    seconds, forks, started = json.loads(line)["seconds"], 0, time.monotonic()
    while time.monotonic() - started < seconds:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        forks += 1
    print(json.dumps(dict(tests=forks, seconds=time.monotonic() - started)), flush=True)
"""


def become_floor(python: str, hooks: bool) -> NoReturn:
    """Turns this process into the jail's interpreter with the jail's own modules imported; it forks, and does nothing else.

    hooks: with what `threading` and `random` do in every forked process where they are imported as usual.
    """
    root = Path(__file__).parents[2]
    modules = sorted(file.stem for file in (root / "sandbox" / "inside").glob("*.py") if file.stem != "__init__")
    code = FLOOR.format(root=str(root), modules=modules, hooks=hooks)
    os.execv(python, [python, "-S", "-s", "-X", "utf8", "-c", code])
