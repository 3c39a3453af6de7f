"""One nsjail with a zygote in it: no network, no host files but the interpreter's, few system calls.

The zygote opens sessions, one a program, each in a pid and a mount namespace of its own with an empty /tmp. Killing nsjail
kills all that is in it.
"""

from __future__ import annotations

import functools
import os
import resource
import select
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from sandbox import walls
from sandbox.inside import runner, wire
from sandbox.interpreter import Interpreter, Package
from sandbox.limits import Limits
from sandbox.seccomp import policy
from sandbox.session import JailError, Session

BOOT_S = 30.0  # a jail that is not ready by then is broken, or the node is
CLOSE_S = 2.0  # for a jail to end by itself
ZYGOTE_CAPABILITIES = 1 << 21  # CAP_SYS_ADMIN, in the jail's own user namespace
PACKAGES_AT = "/packages"  # in the jail
_INSIDE = ("wire", "kernel", "bytecode", "probes", "tracer", "runner", "checker", "warden", "zygote")


@functools.cache  # so that a process that runs on while its files are edited stays what it was
def _sources() -> list[tuple[str, str]]:
    folder = Path(__file__).parent / "inside"
    return [(name, (folder / f"{name}.py").read_text(encoding="utf-8")) for name in _INSIDE]


def _boot_code(control_fd: int) -> str:
    """The zygote and its modules as one `python -c` text, so that nothing of the source tree is mounted."""
    return (
        f"import sys, types\nsys.path[:] = [*(p for p in sys.path if p), {PACKAGES_AT!r}]\n"
        "sandbox, inside = types.ModuleType('sandbox'), types.ModuleType('sandbox.inside')\n"
        "sandbox.__path__ = inside.__path__ = []\n"
        "sys.modules.update({'sandbox': sandbox, 'sandbox.inside': inside})\n"
        f"for name, source in {_sources()!r}:\n"
        "    module = types.ModuleType('sandbox.inside.' + name)\n"
        "    sys.modules[module.__name__] = module\n"
        "    setattr(inside, name, module)\n"
        "    exec(compile(source, '<stepbatch ' + name + '>', 'exec'), module.__dict__)\n"
        f"inside.zygote.main({control_fd})\n"
    )


def library_folders() -> list[Path]:
    """Where the dynamic linker looks: the multi-architecture folder where there is one, not all of /usr/lib."""
    triplet = f"{os.uname().machine}-linux-gnu"
    found = [Path(base) / triplet for base in ("/lib", "/usr/lib") if (Path(base) / triplet).is_dir()]
    return [p for p in [*found, Path("/lib64"), Path("/usr/lib64")] if p.is_dir()]


# The C library and the kernel look at the soft limit when the interpreter starts; a program may raise its own, as on any
# machine: the stack is address space, which has a limit too.
_STACK_AS_USUAL = 'ulimit -S -s 8192; exec "$@"'
_SHOW_AT = Path("/mnt")  # in a mount namespace of nsjail's own; the host sees nothing of it


def check_memory(limits: Limits) -> None:
    """Raises JailError where the memory limit cannot be set: under a lower one a right program might run out of memory."""
    asked = int(limits.memory_mib) << 20
    if (most := runner.allowed(resource.RLIMIT_AS, asked)) < asked:
        raise JailError(
            f"the memory limit of {limits.memory_mib} MiB (--memory-mib) cannot be set, as the inherited hard limit of address "
            f"space is {most >> 20} MiB: raise that (`ulimit -H -v`; under Slurm `sbatch --propagate=NONE`, or "
            "PropagateResourceLimits in slurm.conf), or lower --memory-mib"
        )


def _hidden(path: Path) -> bool:
    """Whether the jail's user may not walk to this path. As root it may not into root's own home (pyenv, uv)."""
    return os.geteuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _showing(paths: Sequence[Path]) -> list[str]:
    """A prefix for nsjail's command: its own mount namespace, in which path number i stands at /mnt/i, where all may walk."""
    script = 'mount -t tmpfs -o mode=755 none "$0" && ' + " && ".join(
        f'{"mkdir" if path.is_dir() else "touch"} "$0/{i}" && mount --bind "${i + 1}" "$0/{i}"' for i, path in enumerate(paths)
    )
    inner = f'{script} && shift {len(paths)} && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", inner, str(_SHOW_AT), *map(str, paths)]


def command(
    nsjail: Path, interpreter: Interpreter, packages: Sequence[Package], limits: Limits, control_fd: int, log_fd: int
) -> list[str]:
    """nsjail's command line for one jail."""
    root = os.geteuid() == 0
    folders = library_folders()
    own = [p for p in (interpreter.executable, *interpreter.files) if not any(p.is_relative_to(f) for f in folders)]
    targets = {path: str(path) for path in (*folders, *own)}
    targets |= {path: f"{PACKAGES_AT}/{path.name}" for package in packages for path in package.paths}
    hidden = [path for path in targets if _hidden(path)]
    sources = {path: _SHOW_AT / str(hidden.index(path)) if path in hidden else path for path in targets}
    binds = [f for path, target in targets.items() for f in ("-R", f"{sources[path]}:{target}")]
    devices = [f for name in ("null", "zero", "urandom") for f in ("-R", f"/dev/{name}")]
    scratch = f"none:/tmp:tmpfs:size={limits.scratch_mib << 20},nr_inodes=4096,mode=0777"
    user = f"65534:{100000 if root else os.geteuid()}:1"
    group = f"65534:{100000 if root else os.getegid()}:1"
    return [
        *(_showing(hidden) if hidden else []),
        *("sh", "-c", _STACK_AS_USUAL, "sh"),
        *(str(nsjail), "-Mo", "-q", "--log_fd", str(log_fd), "-t", "0", "--nice_level", "0", "-u", user, "-g", group),
        *("--cap", "CAP_SYS_ADMIN"),  # in its own user namespace, for the mounts of sessions; programs run without
        *(*binds, *devices, "-m", scratch, "--disable_proc", "--cwd", "/tmp"),
        # LANG: a locale that needs no files; texts are UTF-8 by `-X utf8` all the same
        *("-E", "PATH=/bin", "-E", "HOME=/tmp", "-E", "LANG=C", "-E", "PYTHONHASHSEED=0"),
        *("-E", "OPENBLAS_NUM_THREADS=1", "-E", "OMP_NUM_THREADS=1"),  # numpy's threads would count as the program's
        *("-E", "LD_BIND_NOW=1"),  # once in the zygote, and not in every fork
        *("-E", "MALLOC_ARENA_MAX=1"),  # an arena for each thread would take 128 MiB of address space
        "--disable_rlimits",  # nsjail has one number for a soft and a hard limit; the zygote and its wardens set their own
        *("--seccomp_string", policy(), "--pass_fd", str(control_fd)),
        *("--", str(interpreter.executable), "-S", "-s", "-X", "utf8", "-c", _boot_code(control_fd)),
    ]


class Jail:
    """A running jail; a context manager. Not for use by several threads at once."""

    def __init__(self, nsjail: Path, interpreter: Interpreter, packages: Sequence[Package], limits: Limits) -> None:
        """Starts nsjail and waits until its zygote answers from behind every wall.

        Raises JailError with nsjail's log where it does not answer, with the missing walls where nsjail gave no jail, and
        where the memory limit cannot be set.
        """
        check_memory(limits)
        self._limits = limits
        self._socket, inside = socket.socketpair()
        walls.name_senders(self._socket)
        self._log = os.memfd_create("nsjail-log")
        try:
            with inside:
                asked = command(nsjail, interpreter, packages, limits, inside.fileno(), self._log)
                self._process = subprocess.Popen(
                    asked,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._log,
                    pass_fds=(inside.fileno(), self._log),
                    env={"PATH": os.defpath},
                    start_new_session=True,
                )
        except OSError as error:
            self._socket.close()
            os.close(self._log)
            raise JailError(f"nsjail {nsjail} could not be started: {error}") from error
        try:
            self._check_walls(nsjail, walls.mounts_of(asked))
            wire.send(self._socket, {"do": "try"})
            self.nests = bool(self._answer()["nests"])  # whether it opens any number of sessions; else just one
        except (JailError, OSError) as error:
            self.close()
            raise JailError(str(error)) from error

    def _check_walls(self, nsjail: Path, mounts: walls.Mounts) -> None:
        """Waits for the zygote, and lets no program in before the kernel says that there is a jail around it."""
        self._wait()
        try:
            pid = walls.sender(self._socket)
            missing = walls.missing(pid, mounts, capabilities=ZYGOTE_CAPABILITIES) if pid else []
        except OSError as error:
            raise JailError(
                f"the jail that nsjail {nsjail} made cannot be looked at: {error}; its log: {self._log_tail()}"
            ) from error
        self._answer()
        if pid is None or missing:
            raise JailError(f"nsjail {nsjail} gave no jail: {'; '.join(missing) or 'its process is out of sight'}")

    def _wait(self) -> None:
        if not select.select([self._socket], [], [], BOOT_S)[0]:
            raise JailError(f"the jail was not ready within {BOOT_S:.0f} s; its log: {self._log_tail()}")

    def _answer(self) -> dict[str, Any]:
        self._wait()
        try:
            self._socket.settimeout(BOOT_S)
            answer, _ = wire.receive(self._socket)
        except (EOFError, OSError, wire.WireError) as error:
            raise JailError(f"the jail ended ({error}); its log: {self._log_tail()}") from error
        if not isinstance(answer, dict):
            raise JailError(f"the jail's first words are malformed: {answer!r:.100}")
        return answer

    def session(self, job: dict[str, Any], files: int, alone: bool = False) -> Session:
        """Opens a session for one program, with so many memory files as its descriptors 0, 1, 2 …

        alone: no other will be opened, and the jail ends with it.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                wire.send(self._socket, {"nested": not alone, "scratch_bytes": self._limits.scratch_mib << 20}, [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise JailError(f"the jail has ended ({error}); its log: {self._log_tail()}") from error
        return Session(ours, job, files, self._limits, self if alone else None)

    def _log_tail(self) -> str:
        text = os.pread(self._log, 1 << 16, 0).decode("utf-8", "replace").strip()
        return text[-1500:] or "(empty)"

    def close(self) -> None:
        """Ends the jail and everything in it.

        The zygote leaves when its socket closes, and nsjail reaps it. nsjail killed first would leave a zombie to whoever
        inherits orphans, which in a container may be nobody.
        """
        self._socket.close()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
