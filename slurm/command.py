"""What a job runs: a command, ended together with its job, and run again where only the machine was at fault.

submitit's own CommandFunction leaves the command running when a local job is cancelled, keeps its output in memory
and stops it at output that is not UTF-8. Here output goes straight to the job's log.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from slurm.again import AGAIN, TOLD_TO_END, folder_of, in_words, tell, told

GRACE_S = 8.0  # a command that trains saves at the end of its step; others end at once
SAVE = "STEPBATCH_SAVE_S"  # the same after Slurm's signal, told by the batch script
ENDS_S = 30.0  # of what Slurm gives after its signal, kept for the end of the batch script, which sends the job back
LOOK_S = 2.0  # between two looks at how other ranks fare
WORDS_S = 60.0  # for the words of all ranks, where one fails; file systems of several nodes show files late


class Command:
    """A picklable call of `argv` in `cwd`, with `env` over the job's own environment (None removes a variable)."""

    def __init__(self, argv: Sequence[str], cwd: str, env: Mapping[str, str | None]) -> None:
        self.argv = list(argv)
        self.cwd = cwd
        self.env = dict(env)

    def __call__(self) -> None:
        """Raises RuntimeError with the exit status or the signal, where the command fails.

        On Slurm what was told to end, or crashed, exits in silence: the job's batch script sends it back to the queue.
        """
        env = {name: value for name, value in {**os.environ, **self.env}.items() if value is not None}
        executor = os.environ.get("SUBMITIT_EXECUTOR")
        if executor == "local":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        sys.stdout.flush()
        process = subprocess.Popen(self.argv, cwd=self.cwd, env=env, start_new_session=True, preexec_fn=_end_with_parent)
        try:
            status = _on_slurm(process) if executor == "slurm" else process.wait()
        finally:
            _end(process)
        if status:
            raise RuntimeError(f"{shlex.join(self.argv)} ended with {in_words(status)}")

    def shell(self) -> str:
        """As one would type it."""
        return shlex.join(self.argv)


def time_to_save(signal_delay_s: float) -> float:
    """For a command, of the seconds between Slurm's signal and its kill."""
    return max(signal_delay_s - ENDS_S, signal_delay_s / 2)


@dataclass(slots=True)
class Asked:
    """When Slurm asked for an end (on the monotonic clock); 0 before."""

    since: float = 0.0


def _on_slurm(process: subprocess.Popen[bytes]) -> int:
    """The command's status, once all ranks know of it. Exits where it was told to end or crashed: the batch script goes on."""
    asked = _handed_on(process)
    rank, world = int(os.environ.get("SLURM_PROCID", "0")), int(os.environ.get("SLURM_NTASKS", "1"))
    folder = folder_of(Path(os.environ["SUBMITIT_FOLDER"]), os.environ)
    folder.mkdir(exist_ok=True)
    status = _watch(process, asked, float(os.environ[SAVE]), folder if world > 1 else None)
    _end(process)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # there is nothing left to save
    if status and asked.since:
        status = TOLD_TO_END
    tell(folder, rank, world, status)
    if status in AGAIN:
        sys.exit(1)
    until = time.monotonic() + WORDS_S
    while status and len(told(folder)) < world and time.monotonic() < until:  # with our end Slurm kills the other ranks
        time.sleep(LOOK_S / 4)
    return status


def _watch(process: subprocess.Popen[bytes], asked: Asked, save_s: float, others: Path | None) -> int:
    """Waits for the command. Ends it where it is late to save, or another rank has failed, for which it might wait for ever."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(LOOK_S)
        if asked.since and time.monotonic() > asked.since + save_s:
            process.kill()
        if others and any(told(others).values()):
            _end(process)
            return 1


def _handed_on(process: subprocess.Popen[bytes]) -> Asked:
    """From now on Slurm's signals go to the command, which Slurm itself may not reach: what trains saves and ends.

    SIGUSR2 comes before the time limit and with preemption; SIGTERM with preemption too, and to a job cancelled or requeued.
    """
    asked = Asked()

    def hand_on(number: int, frame: FrameType | None) -> None:
        asked.since = asked.since or time.monotonic()
        process.send_signal(number)

    for number in (signal.SIGUSR2, signal.SIGTERM):
        signal.signal(number, hand_on)  # not to submitit, which would write its pickle anew to requeue: a kill could cost the job
    return asked


def _end_with_parent() -> None:
    """In the child: it dies with the job's process, and heeds SIGINT again, which jobs ignore."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the command and of its children: asked first, killed after a moment."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # whoever cancels a job asks again and again
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE_S)
        os.killpg(process.pid, signal.SIGKILL)
