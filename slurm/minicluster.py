"""A Slurm of one's own on this machine: controller, accounting, four nodes with partitions cpu, gpu and low, in some seconds.

    eval "$(python -m slurm.minicluster up)"     start it; this shell's sbatch, squeue, sacct then talk to it
    python -m slurm.minicluster status           which nodes are there, what runs
    python -m slurm.minicluster down             end it, with all its daemons and jobs
    python -m slurm.minicluster missing          the system packages that it needs and that are not installed

It is the real Slurm: slurmctld, slurmdbd on MariaDB, a slurmd a node. GPUs are names without a device behind them. It needs no
systemd and keeps to its folder and to free ports, so that several can run side by side (--folder). Nothing outlives `down`.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from slurm.cluster_files import Layout, files
from slurm.supervisor import READY_S, STAGES, UP, namespaces

NODES = 4
PACKAGES = {  # Debian's and Ubuntu's package → a program of it, and whether only accounting needs it
    "munge": ("munged", False),
    "slurmctld": ("slurmctld", False),
    "slurmd": ("slurmd", False),
    "slurm-client": ("sbatch", False),
    "slurmdbd": ("slurmdbd", True),
    "mariadb-server-core": ("mariadbd", True),
    "mariadb-client-core": ("mariadb", True),
}
PORTS = range(20_000, 32_000)
LONGEST_FOLDER = 80  # a socket's path has at most 107 bytes


class ClusterError(RuntimeError):
    """What keeps the cluster from running, and what to do about it."""


def default_folder() -> Path:
    """One a user."""
    return Path(os.environ.get("TMPDIR", "/tmp")) / f"minicluster-{getpass.getuser()}"


def missing_packages(accounting: bool = True) -> list[str]:
    """What must be installed first."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    wanted = {name: program for name, (program, only) in PACKAGES.items() if accounting or not only}
    return [name for name, program in wanted.items() if shutil.which(program, path=path) is None]


def up(folder: Path, nodes: int = NODES, accounting: bool = True) -> dict[str, str]:
    """Starts a cluster; comes back when jobs can be submitted. The environment that Slurm's commands need to find it.

    ClusterError: packages are missing, a cluster runs there already, namespaces are not allowed, or a daemon does not start.
    """
    folder = folder.absolute()
    if len(os.fsencode(folder)) > LONGEST_FOLDER:
        raise ClusterError(f"{folder}: sockets need a folder of at most {LONGEST_FOLDER} characters (--folder)")
    if missing := missing_packages(accounting):
        raise ClusterError(f"install first: apt-get install -y --no-install-recommends {' '.join(missing)}")
    if supervisor(folder):
        raise ClusterError(f"a cluster runs in {folder} already: `python -m slurm.minicluster down --folder {folder}` ends it")
    if folder.exists() and not (folder / "layout.json").exists() and any(folder.iterdir()):
        raise ClusterError(f"{folder} holds something else; name another folder (--folder)")
    shutil.rmtree(folder, ignore_errors=True)
    root = os.geteuid() == 0
    with free_ports(nodes + 2) as ports:
        layout = Layout(str(folder), nodes, accounting, pwd.getpwuid(os.geteuid()).pw_name, ports[0], ports[1], tuple(ports[2:]))
    lay_out(layout)
    kinds = ("mount",) if root else ("map-current-user", "keep-caps", "mount")
    command = [*namespaces(*kinds), sys.executable, "-m", "slurm.supervisor", str(folder)]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH")]))
    with (folder / "log" / "supervisor.out").open("wb") as out:
        process = subprocess.Popen(
            command, cwd="/", env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    (folder / "supervisor.pid").write_text(f"{process.pid} {_started(process.pid)}")
    try:
        _wait(folder, process)
    except BaseException:
        down(folder)
        raise
    return environment_of(folder)


def lay_out(layout: Layout) -> None:
    """The folder with all that the daemons read."""
    folder = Path(layout.folder)
    folder.mkdir(parents=True, mode=0o755)
    for name in (
        "log",
        "state",
        *(f"spool/{node}" for node in layout.node_names()),
        *(["database"] if layout.accounting else []),
    ):
        (folder / name).mkdir(parents=True)
    texts = files(layout) | {"layout.json": (0o644, json.dumps(asdict(layout), indent=1))}
    for name, (mode, text) in texts.items():
        (folder / name).touch(mode)
        (folder / name).write_text(text)
    (folder / "munge.key").touch(0o600)
    (folder / "munge.key").write_bytes(os.urandom(128))


def _wait(folder: Path, process: subprocess.Popen[bytes]) -> None:
    """Until the supervisor says that all is up; tells each step on standard error."""
    told, until = 0, time.monotonic() + 4 * READY_S
    while True:
        stages = (folder / STAGES).read_text().splitlines() if (folder / STAGES).exists() else []
        for stage in stages[told:]:
            if stage == UP:
                print("up", file=sys.stderr)
                return
            if stage.startswith("failed: "):
                raise ClusterError("\n".join(stages[told:]).removeprefix("failed: "))
            print(f"starting {stage}", file=sys.stderr)
            told += 1
        if process.poll() is not None or time.monotonic() > until:
            said = (folder / "log" / "supervisor.out").read_text(errors="replace").strip()
            hint = "" if os.geteuid() == 0 else " (an ordinary user needs user namespaces; root does not)"
            raise ClusterError(f"the cluster's supervisor ended{hint}: {said or 'it said nothing'}")
        time.sleep(0.05)


def environment_of(folder: Path) -> dict[str, str]:
    """What Slurm's commands need to find the cluster."""
    return {"SLURM_CONF": str(folder.absolute() / "slurm.conf")}


def supervisor(folder: Path) -> int | None:
    """Its process id, as seen here; None where no cluster runs in the folder."""
    file = folder / "supervisor.pid"
    if not file.exists() or len(words := file.read_text().split()) != 2:
        return None
    pid = int(words[0])
    return pid if _started(pid) == words[1] else None  # ids are used again


def _started(pid: int) -> str:
    """When a process started, in the kernel's ticks; empty where there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    state, *rest = text.rpartition(")")[2].split()
    return "" if state == "Z" else rest[18]


def down(folder: Path) -> bool:
    """Ends the cluster in the folder, with its daemons and jobs. Whether there was one."""
    pid = supervisor(folder)
    if pid is None:
        return False
    inside = _children(pid)
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + READY_S
    while any(_started(each) for each in (pid, *inside)):
        if time.monotonic() > until:
            raise ClusterError(f"process {pid} and what it started do not end")
        with suppress(ChildProcessError):  # it is our child where `up` ran in this process
            os.waitpid(pid, os.WNOHANG)
        time.sleep(0.02)
    return True


def _children(pid: int) -> list[int]:
    """Of the process, as seen here."""
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


@contextmanager
def free_ports(count: int) -> Iterator[list[int]]:
    """Ports that nobody listens on; free again when the block is left. None of those that outgoing connections are given."""
    with ExitStack() as held:
        found: list[int] = []
        for port in random.sample(PORTS, len(PORTS)):
            each = held.enter_context(socket.socket())
            with suppress(OSError):
                each.bind(("127.0.0.1", port))
                found.append(port)
            if len(found) == count:
                break
        yield found


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m slurm.minicluster", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("do", choices=("up", "status", "down", "missing"), help="missing: the system packages to install first")
    parser.add_argument("--folder", type=Path, default=default_folder(), help="where it keeps its files (default %(default)s)")
    parser.add_argument("--nodes", type=int, default=NODES, metavar="N", help="of up: how many nodes (default %(default)s)")
    parser.add_argument(
        "--no-accounting", action="store_true", help="of up: without slurmdbd and MariaDB; sacct then knows nothing"
    )
    options = parser.parse_args(arguments)
    if options.nodes < 1:
        parser.error(f"--nodes {options.nodes} is less than 1")
    try:
        if options.do == "up":
            environment = up(options.folder, options.nodes, not options.no_accounting)
            print("\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items()))
        elif options.do == "missing":
            print(" ".join(missing_packages(not options.no_accounting)))
        elif options.do == "down":
            print("down" if down(options.folder) else f"no cluster runs in {options.folder}")
        else:
            if not supervisor(options.folder):
                print(f"no cluster runs in {options.folder}")
                return 1
            environment = {**os.environ, **environment_of(options.folder)}
            for command in (["sinfo", "-o", "%10P %6D %8T %N"], ["squeue"]):
                subprocess.run(command, env=environment, check=True)
    except (ClusterError, OSError, subprocess.SubprocessError) as error:
        print(f"minicluster: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
