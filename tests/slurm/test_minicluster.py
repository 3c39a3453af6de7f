"""The one-machine cluster is a real Slurm: jobs run on its nodes, and nothing outlives it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slurm import minicluster
from slurm.cluster_files import CPUS, Layout, slurm_conf
from slurm.minicluster import ClusterError
from tests.conftest import need_packages

DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd", "slurmstepd")


def said(environment, *command, seconds=60):
    """What a command of Slurm prints."""
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def eventually(check, seconds=30):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "never"
        time.sleep(0.05)


def daemons_of(folder):
    """Process ids of the daemons and jobs of a cluster: all that have its configuration."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(folder / "slurm.conf").encode() in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "comm").read_text().strip()
        except OSError:
            continue
    return found


@pytest.fixture
def small(tmp_path):
    """(folder, environment) of a cluster of two nodes that a test may break."""
    need_packages()
    folder = tmp_path / "c"
    environment = {**os.environ, **minicluster.up(folder, nodes=2, accounting=False)}
    yield folder, environment
    minicluster.down(folder)


def test_jobs_run_on_its_nodes(cluster):
    assert sorted(said(cluster, "srun", "-N2", "hostname").split()) == ["n3", "n4"]
    gpus = said(cluster, "srun", "-p", "gpu", "-N2", "--gpus-per-node=2", "sh", "-c", "echo $(hostname) $CUDA_VISIBLE_DEVICES")
    assert sorted(gpus.splitlines()) == ["n1 0,1", "n2 0,1"]
    assert said(cluster, "srun", "-N1", "-n1", f"-c{CPUS}", "sh", "-c", "echo $SLURM_CPUS_PER_TASK").strip() == str(CPUS)


def test_accounting_knows_a_job(cluster, tmp_path):
    job = said(cluster, "sbatch", "--parsable", f"--output={tmp_path}/out", "--wrap", "exit 3").strip()
    eventually(lambda: "FAILED|3:0" in said(cluster, "sacct", "-nXPj", job, "-o", "State,ExitCode"))


def test_a_job_in_the_low_partition_makes_way(cluster, tmp_path):
    script = f"trap 'echo asked > {tmp_path}/asked; exit' USR2; touch {tmp_path}/began; while true; do sleep 0.1; done"
    low = ["sbatch", "-plow", "-wn4", f"-c{CPUS}", "--signal=B:USR2@5", "--requeue", f"--output={tmp_path}/out"]
    said(cluster, *low, "--wrap", script)
    eventually((tmp_path / "began").exists)
    assert said(cluster, "srun", "-pcpu", "-wn4", f"-c{CPUS}", "hostname").strip() == "n4"
    assert (tmp_path / "asked").exists()  # before its time of grace, which it did not need, was over


def test_two_clusters_side_by_side(cluster, small):
    _, other = small
    assert said(other, "srun", "-N2", "hostname").split() in (["n1", "n2"], ["n2", "n1"])
    assert said(cluster, "sinfo", "-ho", "%D", "-pcpu").strip() == "2"
    assert other["SLURM_CONF"] != cluster["SLURM_CONF"]


def test_nothing_outlives_it(small, tmp_path):
    folder, environment = small
    script = f"sleep 1000 & touch {tmp_path}/began; sleep 1000"
    said(environment, "sbatch", f"--output={tmp_path}/out", "--wrap", script)
    eventually((tmp_path / "began").exists)
    assert {"slurmctld", "slurmd", "slurmstepd"} <= set(daemons_of(folder).values())
    os.kill(minicluster.supervisor(folder), signal.SIGKILL)  # not even this
    eventually(lambda: not daemons_of(folder), seconds=5)
    assert str(folder) not in Path("/proc/mounts").read_text()
    assert not minicluster.down(folder)


@pytest.mark.parametrize("daemon", ["slurmctld", "slurmd"])
def test_a_daemon_that_dies_is_started_again(small, daemon):
    folder, environment = small
    killed = [pid for pid, name in daemons_of(folder).items() if name == daemon]
    for pid in killed:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: {pid for pid, name in daemons_of(folder).items() if name == daemon} - set(killed))
    assert sorted(said(environment, "srun", "-plow", "-N2", "hostname").split()) == ["n1", "n2"]


def test_the_command(tmp_path):
    need_packages()

    def command(*arguments):
        argv = [sys.executable, "-m", "slurm.minicluster", *arguments, "--folder", str(tmp_path / "c")]
        return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])

    assert command("missing").stdout == "\n"
    assert command("status").returncode == 1
    started = command("up", "--nodes", "1", "--no-accounting")
    assert started.returncode == 0, started.stderr
    assert started.stdout == f"export SLURM_CONF={tmp_path / 'c' / 'slurm.conf'}\n"
    assert "starting slurmctld\nstarting n1\n" in started.stderr
    told = command("status")
    assert "n1" in told.stdout
    assert "JOBID" in told.stdout
    again = command("up")
    assert again.returncode == 2
    assert f"a cluster runs in {tmp_path / 'c'} already" in again.stderr
    assert command("down").stdout == "down\n"
    assert command("down").stdout == f"no cluster runs in {tmp_path / 'c'}\n"


@pytest.mark.skipif(os.geteuid() != 0, reason="starts it as another user, which only root may")
def test_an_ordinary_user_can_have_one(tmp_path):
    need_packages()
    user = next((u for u in pwd.getpwall() if 1000 <= u.pw_uid < 60000), None)
    python = shutil.which("python3", path="/usr/local/bin:/usr/bin")  # one that others may run
    if user is None or python is None:
        pytest.skip("no ordinary user here, or no python3 for one")
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "sh", "-c", 'exec "$0" "$@"']
    folder, root = Path(f"/tmp/minicluster-test-{os.getpid()}"), Path(__file__).parents[2]
    command = [*as_user, python, "-B", "-m", "slurm.minicluster"]
    able = ([*command, "--help"], [*as_user, "unshare", "--map-current-user", "true"])
    if any(subprocess.run(each, cwd=root, capture_output=True, check=False).returncode for each in able):
        pytest.skip("the ordinary user may not read the project, or make user namespaces")
    try:
        subprocess.run([*command, "up", "--folder", str(folder), "--no-accounting", "--nodes=2"], cwd=root, check=True)
        environment = {**os.environ, **minicluster.environment_of(folder)}
        assert said(environment, *as_user, "srun", "-pgpu", "--gpus=1", "id", "-u").strip() == str(user.pw_uid)
    finally:
        subprocess.run([*command, "down", "--folder", str(folder)], cwd=root, check=True)
        subprocess.run([*as_user, "rm", "-rf", str(folder)], check=True)


def test_what_is_missing_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(minicluster.shutil, "which", lambda name, path=None: None if name in ("slurmd", "mariadbd") else name)
    assert minicluster.missing_packages() == ["slurmd", "mariadb-server-core"]
    assert minicluster.missing_packages(accounting=False) == ["slurmd"]
    with pytest.raises(
        ClusterError, match="install first: apt-get install -y --no-install-recommends slurmd mariadb-server-core"
    ):
        minicluster.up(tmp_path / "c")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    need_packages()
    (tmp_path / "thesis.tex").write_text("all of it")
    with pytest.raises(ClusterError, match="holds something else"):
        minicluster.up(tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "all of it"
    with pytest.raises(ClusterError, match="at most 80 characters"):
        minicluster.up(tmp_path / ("x" * 80))


def test_a_daemon_that_does_not_start_is_named_with_its_last_words(tmp_path, monkeypatch):
    need_packages()
    monkeypatch.setattr(minicluster, "files", lambda layout: {"slurm.conf": (0o644, "ClusterName=c\nNonsense=1\n")})
    with pytest.raises(ClusterError, match=r"(?s)slurmctld ended:.*Nonsense"):
        minicluster.up(tmp_path / "c", nodes=1, accounting=False)
    assert not daemons_of(tmp_path / "c")


def test_one_node_is_in_every_partition():
    conf = slurm_conf(Layout("/f", 1, False, "root", 1, 2, (3,)))
    assert conf.count("Nodes=n[1-1]") == 3


def test_ports_are_free():
    with minicluster.free_ports(3) as ports:
        assert len(set(ports)) == 3
        with socket.socket() as taken, pytest.raises(OSError, match="in use"):
            taken.bind(("127.0.0.1", ports[0]))
