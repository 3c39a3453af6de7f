"""The processes of one training job find each other: rank 0 publishes a free port of its node in the run directory.

A job that is run twice, by mistake or after a node was lost, must not mix its ranks with those of its other life: each knows the
name of its own, and ranks other than 0 wait for a call under that name.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from launch.progress import read_json, write_json
from slurm.again import life_of

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Place:
    """This process among those of its job."""

    rank: int
    local_rank: int
    world: int
    life: str  # which start of the job, and which step of it

    @property
    def first(self) -> bool:
        return self.rank == 0


ALONE = Place(0, 0, 1, "")


def place_in(environment: Mapping[str, str]) -> Place:
    """By torchrun's variables, or Slurm's of a step of several tasks; else this process is alone."""
    if "TORCHELASTIC_RUN_ID" in environment:
        life = ".".join(environment[name] for name in ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_PORT"))
        if "TORCHELASTIC_ERROR_FILE" in environment and environment["LOCAL_WORLD_SIZE"] == environment["WORLD_SIZE"]:
            # In a folder that each start of torchrun makes for the ranks of its node; the rest may be the same each time.
            life += f".{Path(environment['TORCHELASTIC_ERROR_FILE']).parents[2].name}"
        rank, local_rank, world = (int(environment[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))
        return Place(rank, local_rank, world, life)
    world = int(environment.get("SLURM_NTASKS", "1")) if "SLURM_STEP_ID" in environment else 1
    if world == 1:
        return ALONE
    life = f"{life_of(environment)}.{environment['SLURM_STEP_ID']}"
    return Place(int(environment["SLURM_PROCID"]), int(environment["SLURM_LOCALID"]), world, life)


def call(place: Place, file: Path) -> None:
    """Rank 0 tells the others where it is, and that they are to work."""
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    names = (os.environ.get(name) for name in ("SLURMD_NODENAME", "MASTER_ADDR"))  # of Slurm, of torchrun
    _enter(place, next(filter(None, names), socket.gethostname()), port)
    write_json(file, {"life": place.life, "address": os.environ["MASTER_ADDR"], "port": port})


def heed(place: Place, file: Path, done: Path) -> bool:
    """Another rank waits for rank 0's call. False where the work is done already.

    However long: rank 0 may wait for another job that does the same. Where it dies, srun ends this one too.
    """
    while True:
        called = read_json(file)
        if called and called["life"] == place.life:
            _enter(place, called["address"], called["port"])
            return True
        if done.exists():
            return False
        time.sleep(POLL_S)


def _enter(place: Place, address: str, port: int) -> None:
    """The variables that torch asks for."""
    os.environ.pop("TORCHELASTIC_USE_AGENT_STORE", None)  # the port is ours, not that of torchrun's own store
    names = {"RANK": place.rank, "LOCAL_RANK": place.local_rank, "WORLD_SIZE": place.world}
    os.environ.update({name: str(value) for name, value in names.items()} | {"MASTER_ADDR": address, "MASTER_PORT": str(port)})
