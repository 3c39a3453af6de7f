"""Arrays of commands through submitit, on this machine or on Slurm. The only file that knows submitit's executors."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cloudpickle  # type: ignore[import-untyped]
import submitit
from submitit.slurm.slurm import SlurmExecutor

from slurm import command as command_module
from slurm.command import Command

Kind = Literal["local", "slurm"]
KINDS = ("local", "slurm")
MONTH_MIN = 30 * 24 * 60  # submitit ends a local job after two minutes unless told otherwise
TAIL_LINES = 25


# Sent whole, not by name: a job that waits in a queue must not import a live tree that has changed.
cloudpickle.register_pickle_by_value(command_module)


class ParameterError(ValueError):
    """An unknown kind of cluster or an unknown parameter, with the valid ones."""


@dataclass(frozen=True, slots=True)
class Job:
    """One submitted command. Made by `submit_array`; asked by the driver."""

    id: str
    handle: Any  # submitit's Job

    @property
    def log(self) -> Path:
        """Where its standard error goes."""
        return Path(self.handle.paths.stderr)

    def ended(self) -> bool:
        """Whether it runs no more, well or not."""
        return bool(self.handle.done())

    def state(self) -> str:
        """The scheduler's word for it."""
        return str(self.handle.state)

    def cancel(self) -> None:
        """Asks it to end; asking again does no harm."""
        process = getattr(self.handle, "_process", None)
        if process is not None:
            process.send_signal(signal.SIGTERM)  # submitit's cancel() sends SIGINT: a traceback on the terminal a job
        else:
            self.handle.cancel(check=False)

    def error(self) -> str:
        """The end of its log, without submitit's own traceback below it."""
        return tail(self.log)


def tail(log: Path, lines: int = TAIL_LINES) -> str:
    """The last lines that a job's command wrote to `log`; submitit's last line where it wrote none."""
    if not log.exists():
        return "(no log: the job never started, or its log is not to be seen yet)"
    text = log.read_text(errors="replace").splitlines()
    cut = next((index for index, line in enumerate(text) if line.startswith("submitit ERROR")), len(text))
    reason = [line.removeprefix("RuntimeError: ") for line in text[cut:] if line.startswith("RuntimeError: ")][-1:]
    own = [line for line in text[:cut] if not line.startswith("submitit ")][-lines:]
    return "\n".join(own + reason) or "\n".join(text[-lines:]) or "(the log is empty: killed from outside?)"


def valid_parameters(kind: Kind) -> list[str]:
    """The parameters that a kind of cluster knows, by name; none on local."""
    if kind == "local":
        return []
    return sorted(SlurmExecutor._valid_parameters() - {"num_gpus"})  # submitit deprecates it


def check(kind: str, parameters: Mapping[str, Any]) -> None:
    """Raises ParameterError for an unknown kind, an unknown parameter, or a cluster that is not to be reached from here."""
    if kind not in KINDS:
        raise ParameterError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    valid = valid_parameters(kind)  # type: ignore[arg-type]
    for name in parameters:
        if name not in valid:
            raise ParameterError(f"{name!r} is not a parameter of {kind}; valid are {', '.join(valid) or 'none'}")
    if kind == "slurm":
        for program in ("sbatch", "srun", "squeue"):
            if shutil.which(program) is None:
                raise ParameterError(f"kind 'slurm' needs {program} on PATH: submit from a login node, or take kind 'local'")


def submit_array(
    kind: Kind,
    folder: Path,
    name: str,
    commands: Sequence[Command],
    parameters: Mapping[str, Any] | None = None,
    after: Sequence[str] = (),
) -> list[Job]:
    """Submits the commands as one array and returns a job each, in order; logs go to `folder`.

    On Slurm it starts once all jobs of `after` (ids of jobs or arrays) have ended well, and is cancelled where one has not.

    submitit's local executor starts all of them at once: hand it no more than may run.
    Raises ParameterError as `check` does.
    """
    parameters = dict(parameters or {})
    check(kind, parameters)
    executor: Any
    if kind == "local":
        executor = submitit.LocalExecutor(folder=folder)
        executor.update_parameters(timeout_min=MONTH_MIN)
    else:
        executor = SlurmExecutor(folder=folder)
        more = {"kill_on_invalid_dep": "yes"} | dict(parameters.pop("additional_parameters", None) or {})
        together = {"srun_args": ["--kill-on-bad-exit=1"]}  # where one rank fails, the others would wait for it
        executor.update_parameters(**{"job_name": name, "additional_parameters": more} | together | parameters)
        if after:
            executor.update_parameters(dependency="afterok:" + ":".join(after))
    with _deaf_to_interrupts(), _clean_environment():
        return [Job(str(job.job_id), job) for job in executor.submit_array(list(commands))]


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Jobs that start here ignore the terminal's Ctrl-C, for ever: whoever drives them tells them to end."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _clean_environment() -> Iterator[None]:
    """Hides the variables of a job that we may ourselves run in. SLURM_CONF is none of them: it says which cluster."""
    ours = ("SLURM_", "SUBMITIT_", "SBATCH_")
    hidden = {n: v for n, v in os.environ.items() if n.startswith(ours) and n != "SLURM_CONF"}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
