"""What a job runs: a command, ended together with its job.

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
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

GRACE_S = 8.0  # a command that trains saves at the end of its step; others end at once
SAVE_S = 60.0  # the same before submitit requeues: Slurm kills 90 s after its signal (submitit's `signal_delay_s`)


class Command:
    """A picklable call of `argv` in `cwd`, with `env` over the job's own environment (None removes a variable)."""

    def __init__(self, argv: Sequence[str], cwd: str, env: Mapping[str, str | None]) -> None:
        self.argv = list(argv)
        self.cwd = cwd
        self.env = dict(env)

    def __call__(self) -> None:
        """Raises RuntimeError with the exit status or the signal, where the command fails."""
        env = {name: value for name, value in {**os.environ, **self.env}.items() if value is not None}
        if os.environ.get("SUBMITIT_EXECUTOR") == "local":  # on Slurm SIGTERM comes with preemption too
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        sys.stdout.flush()
        process = subprocess.Popen(self.argv, cwd=self.cwd, env=env, start_new_session=True, preexec_fn=_end_with_parent)
        try:
            with _handed_on(process):
                status = process.wait()
        finally:
            _end(process)
        if status:
            how = f"exit status {status}" if status > 0 else f"signal {-status} ({signal.Signals(-status).name})"
            raise RuntimeError(f"{shlex.join(self.argv)} ended with {how}")

    def checkpoint(self) -> Any:
        """Preempted or out of time, a job is requeued as it was: its stage goes on from what it wrote."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)


@contextlib.contextmanager
def _handed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """submitit's signal to requeue goes to the command first: what trains saves and ends. After SAVE_S it is submitit's turn."""
    requeue = signal.getsignal(signal.SIGUSR2)
    if not callable(requeue):  # not under submitit on Slurm
        yield
        return

    asked = False

    def requeue_now(number: int, frame: FrameType | None) -> None:
        requeue(signal.SIGUSR2, frame)

    def hand_on(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if not asked:
            asked = True
            signal.setitimer(signal.ITIMER_REAL, SAVE_S)
        process.send_signal(number)

    alarm = signal.signal(signal.SIGALRM, requeue_now)
    signal.signal(signal.SIGUSR2, hand_on)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGUSR2, requeue)
    if asked and process.returncode:
        signal.raise_signal(signal.SIGUSR2)
        # Only rank 0 comes to requeue, and the job ends with that; a rank that ended before it would be taken for a failure.
        time.sleep(SAVE_S)


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
