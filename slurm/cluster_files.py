"""The configuration of a Slurm cluster on one machine: slurm.conf, gres.conf, cgroup.conf, slurmdbd.conf, my.cnf.

Nodes are namespaces of this machine, told apart by their names and ports. Resources are declared, not measured
(`config_overrides`): a node may have more CPUs than the machine. A fake GPU is a name for /dev/null.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

GPU_NODES = 2  # the first ones
GPUS = 2  # of each of them
CPUS = 4  # of each node
MEMORY_MIB = 32_000  # of each node
MAX_ARRAY_SIZE = 1001  # Slurm's default; indices are below it


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a cluster's files are and where its daemons listen. Made by `minicluster.up`; `layout.json` keeps it."""

    folder: str
    nodes: int
    accounting: bool
    user: str  # who runs the daemons, as the cluster sees it
    controller_port: int
    database_port: int
    node_ports: tuple[int, ...]

    def path(self, name: str) -> Path:
        """A file or folder of the cluster."""
        return Path(self.folder) / name

    def node_names(self) -> list[str]:
        """n1, n2, …"""
        return [f"n{i + 1}" for i in range(self.nodes)]


def files(layout: Layout) -> dict[str, tuple[int, str]]:
    """Name → (mode, text)."""
    found = {
        "slurm.conf": (0o644, slurm_conf(layout)),
        "gres.conf": (0o644, gres_conf(layout)),
        "cgroup.conf": (0o644, "CgroupPlugin=cgroup/v1\nCgroupAutomount=no\n"),
        "hosts": (0o644, "127.0.0.1 localhost " + " ".join(layout.node_names()) + "\n"),
    }
    if layout.accounting:
        found |= {"slurmdbd.conf": (0o600, slurmdbd_conf(layout)), "my.cnf": (0o644, my_cnf(layout))}
    return found


def slurm_conf(layout: Layout) -> str:
    """Quick to schedule and to notice: every interval that a big site makes long is short here."""
    gpus = min(GPU_NODES, layout.nodes)
    one = f"NodeHostname={{0}} NodeAddr=127.0.0.1 Port={{1}} CPUs={CPUS} RealMemory={MEMORY_MIB} State=UNKNOWN"
    nodes = [
        f"NodeName={name} {one.format(name, port)}" + (f" Gres=gpu:{GPUS}" if i < gpus else "")
        for i, (name, port) in enumerate(zip(layout.node_names(), layout.node_ports, strict=True))
    ]
    cpu_only = f"n[{gpus + 1}-{layout.nodes}]" if layout.nodes > gpus else f"n[1-{layout.nodes}]"
    accounting = (
        f"AccountingStorageType=accounting_storage/slurmdbd\nAccountingStorageHost=127.0.0.1\n"
        f"AccountingStoragePort={layout.database_port}\nAccountingStoragePass={layout.path('munge.socket')}\n"
        if layout.accounting
        else "AccountingStorageType=accounting_storage/none\n"
    )
    return f"""\
ClusterName=minicluster
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={layout.controller_port}
SlurmUser={layout.user}
SlurmdUser={layout.user}
AuthType=auth/munge
CredType=cred/munge
# A credential lives 5 s, not 120: a requeued job waits that long before it starts again.
AuthInfo=socket={layout.path("munge.socket")},cred_expire=5
CommunicationParameters=NoCtldInAddrAny
StateSaveLocation={layout.path("state")}
SlurmdSpoolDir={layout.path("spool")}/%n
SlurmctldPidFile={layout.path("slurmctld.pid")}
SlurmdPidFile={layout.path("spool")}/%n/slurmd.pid
SlurmctldLogFile={layout.path("log")}/slurmctld.log
SlurmdLogFile={layout.path("log")}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
GresTypes=gpu
DefMemPerCPU=256
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
# Without it, what is preempted gets no signal of its own, and nothing could save.
SlurmctldParameters=preempt_send_user_signal
JobRequeue=1
ReturnToService=2
MinJobAge=300
KillWait=5
SlurmdTimeout=10
MaxArraySize={MAX_ARRAY_SIZE}
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=2
SlurmdParameters=config_overrides
{accounting}{chr(10).join(nodes)}
PartitionName=cpu Nodes={cpu_only} Default=YES MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
PartitionName=gpu Nodes=n[1-{gpus}] MaxTime=INFINITE PriorityTier=10 PreemptMode=OFF
PartitionName=low Nodes=n[1-{layout.nodes}] MaxTime=INFINITE PriorityTier=1 PreemptMode=REQUEUE GraceTime=20
"""


def gres_conf(layout: Layout) -> str:
    """Devices give jobs their CUDA_VISIBLE_DEVICES; a mere count would leave the nodes invalid."""
    gpus = min(GPU_NODES, layout.nodes)
    return f"AutoDetect=off\nNodeName=n[1-{gpus}] Name=gpu File={layout.path('gpu')}[0-{GPUS - 1}]\n"


def slurmdbd_conf(layout: Layout) -> str:
    """The accounting daemon's, with a database of its own behind a socket."""
    return f"""\
AuthType=auth/munge
AuthInfo=socket={layout.path("munge.socket")}
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={layout.database_port}
SlurmUser={layout.user}
PidFile={layout.path("slurmdbd.pid")}
LogFile={layout.path("log")}/slurmdbd.log
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=accounting
"""


def my_cnf(layout: Layout) -> str:
    """MariaDB, small and without a network; nothing of it must outlive the cluster."""
    return f"""\
[mariadbd]
datadir={layout.path("database")}
socket={layout.path("sql.socket")}
pid-file={layout.path("mariadbd.pid")}
user={layout.user}
skip-networking
skip-log-bin
skip-name-resolve
performance_schema=off
innodb_buffer_pool_size=64M
innodb_log_file_size=16M
innodb_lock_wait_timeout=900
innodb_flush_log_at_trx_commit=0
innodb_doublewrite=0
"""
