"""The commands for a run, or a sweep, that is there: status, logs, cancel, resume, retry, export."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch.arrays import Key
    from launch.config import ClusterOptions
    from launch.plan import Run

# What a command alone needs is imported by it: --help answers at once.

FOLDER = "a run directory, or the folder of a sweep"


def status(argv: list[str]) -> int:
    """How far a run is."""
    from launch.report import status_lines

    parser = argparse.ArgumentParser("python -m launch status", description="How far a run is: a line a stage.")
    parser.add_argument("run", type=Path, help=FOLDER)
    print("\n".join(status_lines(parser.parse_args(argv).run)))
    return 0


def logs(argv: list[str]) -> int:
    """What jobs wrote."""
    from launch.report import log_lines

    what = "The end of the logs of what failed or runs; of a stage, its last log whole."
    parser = argparse.ArgumentParser("python -m launch logs", description=what)
    parser.add_argument("run", type=Path, help=FOLDER)
    parser.add_argument("stage", nargs="?", help="a stage of its plan")
    parser.add_argument("--shard", type=int, help="of the stage (default: the first that is not done)")
    given = parser.parse_args(argv)
    print("\n".join(log_lines(given.run, given.stage, given.shard)))
    return 0


def cancel(argv: list[str]) -> int:
    """Ends a run's jobs."""
    from launch.submit_slurm import cancel as cancel_jobs
    from launch.sweep import read_runs

    parser = argparse.ArgumentParser("python -m launch cancel", description="Ends a run's jobs on Slurm, waiting or running.")
    parser.add_argument("run", type=Path, help=FOLDER)
    runs, table = read_runs(parser.parse_args(argv).run)
    print(f"{cancel_jobs([run.path for run in (*runs, *([table] if table else []))])} jobs cancelled")
    return 0


def resume(argv: list[str]) -> int:
    """Goes on with a run."""
    what = "Does what is missing of a run, and nothing else; on its own cluster, or on the one that is given."
    parser = argparse.ArgumentParser("python -m launch resume", description=what)
    parser.add_argument("run", type=Path, help=FOLDER)
    parser.add_argument("overrides", nargs="*", metavar="cluster…=VALUE", help="cluster=NAME, cluster.cpu.time=600, …")
    given = parser.parse_args(argv)
    return _again(given.run, given.overrides, only_failed=False)


def retry(argv: list[str]) -> int:
    """Failed tasks again."""
    what = "Submits to Slurm again what failed, and what was stopped because of it; what you cancelled stays cancelled."
    parser = argparse.ArgumentParser("python -m launch retry", description=what)
    parser.add_argument("run", type=Path, help=FOLDER)
    parser.add_argument("overrides", nargs="*", metavar="cluster…=VALUE", help="cluster.cpu.mem=16GB, …")
    parser.add_argument("--failed", action="store_true", required=True, help="required; only failed tasks are tried again")
    given = parser.parse_args(argv)
    return _again(given.run, given.overrides, only_failed=True)


def _again(folder: Path, overrides: Sequence[str], only_failed: bool) -> int:
    from launch.compose import cluster_of
    from launch.config import ConfigError
    from launch.prepare import check_parameters
    from launch.sweep import read_runs

    runs, table = read_runs(folder)
    cluster = cluster_of(runs[0].path / "config.yaml", overrides)
    check_parameters(cluster)
    if cluster.kind == "slurm":
        from launch.submit_slurm import failed

        wanted = failed([*runs, *([table] if table else [])]) if only_failed else None
        return submit(runs, cluster, table, wanted)
    if only_failed:
        raise ConfigError(f"{folder}: runs on this machine; `python -m launch resume {folder}` does what is missing")
    return drive(runs, cluster, table, f"python -m launch resume {shlex.quote(str(folder))}")


def export(argv: list[str]) -> int:
    """A model out of a training."""
    from launch.export import export_newest

    what = "Writes the newest checkpoint of a run that trains, or was killed, as a Hugging Face folder. Training may go on."
    parser = argparse.ArgumentParser("python -m launch export", description=what)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--stage", help="a training stage of its plan.json (default: the first that is not done)")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, which must not be there yet")
    given = parser.parse_args(argv)
    print(export_newest(given.run, given.stage, given.out))
    return 0


def stage(argv: list[str]) -> int:
    """What every job runs. Errors of the stage keep their traceback: they go to the job's log."""
    from launch.stages import run_shards

    parser = argparse.ArgumentParser("python -m launch stage", description="Runs a task of a stage, but for what is done.")
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("stage", help="a stage of its plan.json")
    parser.add_argument("--shard", type=int, nargs="+", default=[0], help="which shards of the stage (default 0)")
    given = parser.parse_args(argv)
    run_shards(given.run, given.stage, given.shard)
    return 0


def submit(runs: Sequence[Run], cluster: ClusterOptions, table: Run | None, wanted: Collection[Key] | None = None) -> int:
    """Hands runs to Slurm and tells what it got."""
    from launch.report import NO_ACCOUNTS
    from launch.submit_slurm import submit as submit_runs
    from slurm.accounting import keeps_accounts

    submitted = submit_runs(runs, cluster, table, wanted)
    for each in submitted:
        tasks = len(each.array.tasks)
        after = f"  after {each.after}" if each.after else ""
        print(f"{each.array.name:<14} {tasks} task{'s' if tasks > 1 else ' '}  job {each.id}{after}")
    if not submitted and wanted is None:
        print("nothing is missing that is not queued already")
    elif not submitted:
        print("nothing has failed; what was cancelled goes on with: python -m launch resume")
    if not keeps_accounts():
        print(NO_ACCOUNTS)
    print(f"how far it is: python -m launch status {shlex.quote(os.path.relpath((table or runs[-1]).path))}")
    return 0


def drive(runs: Sequence[Run], cluster: ClusterOptions, table: Run | None, again: str) -> int:
    """Does runs on this machine, one after the other, and shows the table. again: the command that goes on with them."""
    from launch.arrays import up_to_date
    from launch.progress import done_path
    from launch.submit import drive as drive_run

    worst = 0
    for i, run in enumerate(runs):
        if table:
            print(f"launch: point {i + 1} of {len(runs)}: {run.path.name}", file=sys.stderr)
        worst = max(worst, drive_run(run, cluster))
        if worst == 130:
            print(f"launch: stopped; go on with: {again}", file=sys.stderr)
            return worst
    if table:
        if not up_to_date(table, runs):
            done_path(table.path, table.stages[0].name, 0).unlink(missing_ok=True)
        worst = max(worst, drive_run(table, cluster))
    if worst == 0:
        _print_table(runs, (table or runs[-1]))
    return worst


def _print_table(runs: Sequence[Run], made_by: Run) -> None:
    from results.render import render
    from results.tables import pass_rate_table

    terminal = sys.stdout.isatty()
    width = min(os.get_terminal_size().columns, 140) if terminal else 100
    ks = made_by.stages[-1].options["ks"]
    print(render(pass_rate_table([run.path for run in runs], ks=ks), "rich", width, terminal), end="")
    shown = Path(os.path.relpath(made_by.path))
    print(f"table: {shown / 'tables' / 'table.md'}\nplot:  {shown / 'tables' / 'pass_rate.png'}")
