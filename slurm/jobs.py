"""Arrays of commands through submitit, on this machine or on Slurm. The only file that knows submitit's executors."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cloudpickle  # type: ignore[import-untyped]
import submitit
from submitit.slurm.slurm import SlurmExecutor, _make_sbatch_string

from slurm import again
from slurm import command as command_module
from slurm.command import Command
from slurm.submission import once, token

Kind = Literal["local", "slurm"]
KINDS = ("local", "slurm")
MONTH_MIN = 30 * 24 * 60  # submitit ends a local job after two minutes unless told otherwise
TAIL_LINES = 25
# A user's own defaults, which sites' profiles export for sbatch as SBATCH_ACCOUNT and so on.
OWN_DEFAULTS = ("account", "partition", "qos", "constraint", "reservation", "wckey")


# Sent whole, not by name: a job that waits in a queue must not import a live tree that has changed.
for module in (command_module, again):
    cloudpickle.register_pickle_by_value(module)
AGAIN = Path(again.__file__)
# Until Python heeds them, Slurm's signals to save and end would kill it, and with it the job.
PYTHON = f"""sh -c 'trap "" USR2 TERM; exec "$0" "$@"' {shlex.quote(sys.executable)}"""
SIGNAL_DELAY_S = 90  # unless the site says another
LISTS = ("setup", "teardown", "srun_args")
OWN = {  # what arrays live by, among additional_parameters, which sbatch would believe → what to say instead
    "array": "array_parallelism says how many tasks run at once",
    "comment": "give it as a parameter of its own, comment",
    "dependency": "give it as a parameter of its own, dependency",
    "error": "logs are in the run directory",
    "open_mode": "a job that starts again goes on with its logs",
    "output": "logs are in the run directory",
    "signal": "signal_delay_s says how long before the end",
}


class ParameterError(ValueError):
    """An unknown kind of cluster, an unknown parameter or a value of a wrong form, with what is valid."""


@dataclass(frozen=True, slots=True)
class Job:
    """One submitted command. Made by `submit_array`; asked by the driver."""

    id: str
    handle: Any  # submitit's Job
    mark: str = ""  # in its comment on Slurm: a controller that lost a job gives its id to another

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
    lives = [index for index, line in enumerate(text) if line.startswith("slurm: ") and line.endswith(again.BACK)]
    text = text[lives[-1] + 1 :] if lives else text
    cut = next((index for index, line in enumerate(text) if line.startswith("submitit ERROR")), len(text))
    reason = [line.removeprefix("RuntimeError: ") for line in text[cut:] if line.startswith("RuntimeError: ")][-1:]
    own = [line for line in text[:cut] if not line.startswith("submitit ")][-lines:]
    return "\n".join(own + reason) or "\n".join(text[-lines:]) or "(the log is empty: killed from outside?)"


def valid_parameters(kind: Kind) -> list[str]:
    """The parameters that a kind of cluster knows, by name; none on local."""
    if kind == "local":
        return []
    # submitit deprecates the first; the second would empty the logs that `Job.log` names; signals go to what srun starts
    return sorted(SlurmExecutor._valid_parameters() - {"num_gpus", "stderr_to_stdout", "use_srun"})


def check_names(kind: str, parameters: Mapping[str, Any]) -> None:
    """Raises ParameterError for an unknown kind, an unknown parameter, or a value that would be taken for something else."""
    if kind not in KINDS:
        raise ParameterError(f"kind {kind!r} is not one of {', '.join(KINDS)}")
    valid = valid_parameters(kind)  # type: ignore[arg-type]
    for name in parameters:
        if name not in valid:
            raise ParameterError(f"{name!r} is not a parameter of {kind}; valid are {', '.join(valid) or 'none'}")
    for name in LISTS:
        value = parameters.get(name)
        if value is not None and not (isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)):
            raise ParameterError(f"{name}={value!r} must be a list of strings, such as {name}: ['…']")
    more = parameters.get("additional_parameters")
    if more is not None and not isinstance(more, Mapping):
        raise ParameterError(f"additional_parameters={more!r} must be names and values, such as {{reservation: spring}}")
    for name in more or {}:
        if instead := OWN.get(name.replace("-", "_")):
            raise ParameterError(f"additional_parameters: {name!r} is set for every array; {instead}")


def check(kind: str, parameters: Mapping[str, Any]) -> None:
    """As `check_names`; ParameterError also for a cluster that is not to be reached from here."""
    check_names(kind, parameters)
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
    dependency: str = "",
) -> list[Job]:
    """Submits the commands as one array and returns a job each, in order; logs go to `folder`.

    dependency: of Slurm, as sbatch has it; the array is cancelled where that can never come true.

    submitit's local executor starts all of them at once: hand it no more than may run.
    Raises ParameterError as `check` does; SchedulerError where sbatch takes nothing.
    """
    check(kind, dict(parameters or {}))
    mark = token()
    executor = _local(folder) if kind == "local" else _slurm(folder, name, parameters or {}, dependency, mark)

    def submit() -> list[Any]:
        return list(executor.submit_array(list(commands)))

    with _deaf_to_interrupts(), _clean_environment(parameters or {}):
        return [Job(str(job.job_id), job, mark) for job in (submit() if kind == "local" else once(submit, mark))]


def _local(folder: Path) -> Any:
    executor = submitit.LocalExecutor(folder=folder)
    executor.update_parameters(timeout_min=MONTH_MIN)
    return executor


def _slurm(folder: Path, name: str, parameters: Mapping[str, Any], dependency: str, mark: str) -> Any:
    """The executor; its folder holds what sends a job back to the queue."""
    executor = SlurmExecutor(folder=folder, python=PYTHON)
    given = _sbatch(folder, name, parameters, dependency)
    executor.update_parameters(**given | {"comment": f"{given.get('comment', '')} {mark}".lstrip()})
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(AGAIN, folder / AGAIN.name)
    return executor


def script(folder: Path, name: str, tasks: int, parameters: Mapping[str, Any], dependency: str = "") -> str:
    """What `submit_array` hands to sbatch. Needs no Slurm. Raises ParameterError for an unknown parameter."""
    check_names("slurm", parameters)
    command = f"{PYTHON} -u -m submitit.core._submit {shlex.quote(str(folder))}"
    text: str = _make_sbatch_string(
        command, folder, map_count=tasks if tasks > 1 else None, **_sbatch(folder, name, parameters, dependency)
    )
    return text


def _sbatch(folder: Path, name: str, parameters: Mapping[str, Any], dependency: str) -> dict[str, Any]:
    """submitit's parameters: the site's over ours. null is as good as not given."""
    parameters = {name: value for name, value in parameters.items() if value is not None}
    theirs = {name.replace("-", "_"): value for name, value in (parameters.get("additional_parameters") or {}).items()}
    more = {"kill_on_invalid_dep": "yes", "requeue": True} | theirs
    srun = ["--kill-on-bad-exit=1"]  # where one rank fails, the others would wait for it
    if "cpus_per_task" in parameters:  # since Slurm 22.05 srun does not take it over from sbatch: a task had but one core
        srun.append(f"--cpus-per-task={parameters['cpus_per_task']}")
    delay_s = parameters.get("signal_delay_s") or SIGNAL_DELAY_S
    told = [f"export {again.STARTED}=$(date +%s)", f"export {command_module.SAVE}={command_module.time_to_save(delay_s):g}"]
    ours = {
        "signal_delay_s": delay_s,
        "srun_args": [*srun, *(parameters.get("srun_args") or [])],
        # trap: else the script ends before the command has saved. set: else before its teardown, where the site's lines say -e
        "setup": ["trap : TERM", *told, *(parameters.get("setup") or []), "set +e"],
        "teardown": _ends(folder, parameters.get("teardown") or []),
        "additional_parameters": more,
    }
    after = ",".join(filter(None, (dependency, parameters.get("dependency"))))  # the site's too, not instead
    return {"job_name": name} | dict(parameters) | ours | ({"dependency": after} if after else {})


def _ends(folder: Path, more: Sequence[str]) -> list[str]:
    """What the batch script does after the commands: a job that ended ill may be sent back to the queue."""
    run = f"{shlex.quote(sys.executable)} -I {shlex.quote(str(folder.absolute() / AGAIN.name))}"
    return ["status=$?", f'[ "$status" = 0 ] || {run}', *more, 'exit "$status"']


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Jobs that start here ignore the terminal's Ctrl-C, for ever: whoever drives them tells them to end."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _clean_environment(parameters: Mapping[str, Any]) -> Iterator[None]:
    """Hides the variables of a job that we may ourselves run in, and those that sbatch would obey against its script.

    SLURM_CONF stays: it says which cluster. So do a user's own defaults for what the parameters leave open.
    """
    said = {**parameters, **(parameters.get("additional_parameters") or {})}
    kept = {"SLURM_CONF", *(f"SBATCH_{name.upper()}" for name in OWN_DEFAULTS if said.get(name) is None)}
    hidden = {n: v for n, v in os.environ.items() if n.startswith(("SLURM_", "SUBMITIT_", "SBATCH_")) and n not in kept}
    for name in hidden:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(hidden)
