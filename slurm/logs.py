"""Which of the logs of a job, one a rank, tells why it failed. What srun says of all ranks stands in that of the first."""

from __future__ import annotations

from pathlib import Path

from slurm.again import AGAIN, told

FIRST = "_0_log.err"  # of the first rank, as submitit names it
ENDED = ".ended"  # folders in which ranks tell how their commands ended (slurm.again)


def failed_rank_log(log: Path) -> Path:
    """The log of the rank whose own error ended the job's last life; `log`, the first rank's, where there is none.

    Other ranks end because of the first that fails, and so tell later.
    """
    job = log.name.removesuffix(FIRST)
    lives = [path for path in log.parent.glob(f"{job}.*{ENDED}") if job != log.name]
    if not lives:
        return log
    last = max(lives, key=_begun)
    failed = [rank for rank, status in told(last).items() if status and status not in AGAIN]
    words = {int(path.name.partition("-")[0]): path.stat().st_mtime_ns for path in last.glob("*-of-*")}
    own = log.with_name(f"{job}_{min(failed, key=lambda rank: words[rank])}_log.err") if failed else log
    return own if own.exists() else log


def _begun(life: Path) -> tuple[int, int]:
    """(when it began, how often the job was started before), of `slurm.again.life_of`."""
    _, restarts, started = life.name.removesuffix(ENDED).split(".")
    return int(started), int(restarts)
