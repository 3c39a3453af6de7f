"""PID 1 of a one-machine cluster: starts its daemons in order, starts again what dies, and takes all down with itself.

It runs in namespaces of its own for processes and mounts, so that its end, even by kill -9, is the end of every daemon and job.
Each node has namespaces too, and its own name. Killed, a daemon is started again at once, as systemd would, a node as if it had
booted. `python -m slurm.supervisor FOLDER` is started by `minicluster.up`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slurm.cluster_files import GPUS, Layout

READY_S = 60.0  # for each daemon, on a busy machine
REBOOT_S = 3.0  # until a node that died is there again; other daemons are at once
STAGES = "stages"  # the file in which `up` reads how far the start is
UP = "up"


class StartError(RuntimeError):
    """A daemon that did not come up, with the end of its log."""


@dataclass(slots=True)
class Daemon:
    """A process to keep alive."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    process: subprocess.Popen[bytes] | None = None


def namespaces(*kinds: str) -> list[str]:
    """`unshare` for a command that becomes PID 1 of its own processes, and whose end is theirs."""
    return ["unshare", *(f"--{kind}" for kind in kinds), "--pid", "--fork", "--kill-child", "--mount-proc"]


def daemons(layout: Layout) -> list[Daemon]:
    """In the order in which they need each other."""
    socket, log = layout.path("munge.socket"), layout.path("log")
    munge = ["munged", "--foreground", "--force", f"--key-file={layout.path('munge.key')}", f"--socket={socket}"]
    munge += [f"--{name}-file={layout.path('munge.' + name)}" for name in ("pid", "seed")] + [f"--log-file={log / 'munged.log'}"]
    made = [Daemon("munged", munge, socket.exists)]
    if layout.accounting:
        sql, defaults = layout.path("sql.socket"), f"--defaults-file={layout.path('my.cnf')}"
        made.append(Daemon("mariadbd", ["mariadbd", defaults], sql.exists))
        made.append(Daemon("slurmdbd", ["slurmdbd", "-D"], lambda: answers("sacctmgr", "-n", "list", "cluster")))
    made.append(Daemon("slurmctld", ["slurmctld", "-D"], lambda: answers("scontrol", "ping", says="UP")))
    for name in layout.node_names():
        node = f'hostname {name} && mount --bind "$0" /etc/hosts && exec slurmd -D -N {name}'
        argv = [*namespaces("mount", "uts"), "sh", "-c", node, str(layout.path("hosts"))]
        made.append(Daemon(name, argv, lambda: True))
    return made


def answers(*argv: str, says: str = "") -> bool:
    """Whether a command of Slurm ends well, and says this."""
    done = subprocess.run(argv, capture_output=True, text=True, timeout=READY_S, check=False)
    return done.returncode == 0 and says in done.stdout


def start(daemon: Daemon, layout: Layout) -> None:
    """Its output goes to a file beside its log."""
    with layout.path(f"log/{daemon.name}.out").open("ab") as out:
        daemon.process = subprocess.Popen(daemon.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)


def wait_until(done: Callable[[], bool], what: str, daemon: Daemon | None, layout: Layout) -> None:
    """Raises StartError where it takes too long, or the daemon ends."""
    until = time.monotonic() + READY_S
    while not done():
        ended = daemon is not None and daemon.process is not None and daemon.process.poll() is not None
        if ended or time.monotonic() > until:
            name = daemon.name if daemon else "slurmctld"
            raise StartError(
                f"{what} {'ended' if ended else f'was not ready within {READY_S:.0f} s'}:\n{last_words(layout, name)}"
            )
        time.sleep(0.02)


def last_words(layout: Layout, name: str) -> str:
    """The end of a daemon's logs."""
    texts = [layout.path(f"log/{name}.{ending}") for ending in ("out", "log")]
    return "\n".join(line for text in texts if text.exists() for line in text.read_text(errors="replace").splitlines()[-8:])


def all_idle(layout: Layout) -> bool:
    """Whether every node waits for work."""
    done = subprocess.run(["sinfo", "-hN", "-o", "%N %T"], capture_output=True, text=True, check=False)
    return set(done.stdout.splitlines()) >= {f"{name} idle" for name in layout.node_names()}


def bring_up(layout: Layout, told: Callable[[str], None]) -> list[Daemon]:
    """Starts all daemons; comes back when jobs can be submitted. StartError names the daemon and shows its last words."""
    for i in range(GPUS):  # /dev/null is a character device, which is all that Slurm looks at
        gpu = layout.path(f"gpu{i}")
        gpu.touch()
        subprocess.run(["mount", "--bind", "/dev/null", str(gpu)], check=True)
    started = daemons(layout)
    for daemon in started:
        told(daemon.name)
        if daemon.name == "mariadbd":
            install = ["mariadb-install-db", f"--defaults-file={layout.path('my.cnf')}", "--skip-test-db"]
            install += ["--auth-root-authentication-method=normal", f"--user={layout.user}"]
            done = subprocess.run(install, capture_output=True, text=True, check=False)
            if done.returncode:
                raise StartError(f"mariadb-install-db ended with status {done.returncode}:\n{(done.stdout + done.stderr)[-800:]}")
        start(daemon, layout)
        wait_until(daemon.ready, daemon.name, daemon, layout)
    told("nodes")
    wait_until(lambda: all_idle(layout), "the nodes", None, layout)
    return started


def keep_up(layout: Layout, kept: list[Daemon]) -> None:
    """For ever. As PID 1 it also reaps what the daemons leave behind."""
    again: dict[str, float] = {}
    by_name = {daemon.name: daemon for daemon in kept}
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            pid = 0
        for daemon in kept:
            if daemon.process is not None and daemon.process.pid == pid != 0:
                again[daemon.name] = time.monotonic() + (REBOOT_S if daemon.name in layout.node_names() else 0.0)
        for name in [name for name, when in again.items() if time.monotonic() >= when]:
            del again[name]
            start(by_name[name], layout)
        if not pid:
            time.sleep(0.05)


def main() -> int:
    """Does not come back but where the start failed."""
    folder = Path(sys.argv[1])
    layout = Layout(**json.loads((folder / "layout.json").read_text()))
    os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
    os.environ["MYSQL_UNIX_PORT"] = str(folder / "sql.socket")
    stages = folder / STAGES

    def told(what: str) -> None:
        with stages.open("a") as file:
            file.write(what + "\n")

    try:
        kept = bring_up(layout, told)
    except (StartError, OSError, subprocess.SubprocessError) as error:
        told(f"failed: {error}")
        return 1
    told(UP)
    keep_up(layout, kept)
    return 0


if __name__ == "__main__":
    sys.exit(main())
