"""`python -m launch`: runs an experiment, one task of it, or tells how far it is."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from launch.config import Config
    from launch.plan import Stage

# hydra, submitit, pyarrow and the rest are imported where a command needs them: --help answers at once.

HELP = """\
Runs an experiment: problems → programs → jailed tests → replay → fine-tuning → pass-rate table.

usage:
  python -m launch [--cfg | --dry-run] KEY=VALUE ...   compose a config, plan its stages, run them
  python -m launch status RUN                          how far a run is
  python -m launch cancel RUN                          end its jobs on Slurm; the run goes on with its first command
  python -m launch export RUN --out FOLDER             the model as its training has it now (--stage: of several)
  python -m launch stage RUN STAGE --shard I           one task of a run (what every job runs)

options:
  --cfg       print the composed config, run nothing
  --dry-run   print the plan, run nothing

keys (--cfg prints all of them; launch/conf explains each):
  experiment=NAME   a named set of values: {experiments}
  run_dir=FOLDER    the run's folder; started again with the same one, a run does what is missing
  model=NAME        {models}; or any Hugging Face name or folder: model=pretrained model.path=PATH
  data=NAME         {data}
  cluster=NAME      {clusters}
  seed=N            every other seed is this one

examples:
  python -m launch experiment=demo
  python -m launch experiment=demo run_dir=runs/seed1 seed=1
  python -m launch experiment=demo run_dir=runs/qwen model=pretrained model.path=Qwen/Qwen2.5-Coder-0.5B-Instruct
  python -m launch experiment=demo run_dir=runs/mine data=files data.train.name=train.jsonl data.test.name=test.jsonl
  python -m launch experiment=demo method.replay.priority=rank --dry-run
  python -m launch export runs/demo --out runs/demo-now

A run ends with exit status 0, 1 where a task failed, 2 where something given was wrong, 130 where it was stopped.
"""


def main(argv: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    if not argv or argv[0] in ("-h", "--help"):
        print(_help(), end="", file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    from launch.config import ConfigError
    from slurm.accounting import SchedulerError

    try:
        commands = {"stage": _stage, "status": _status, "cancel": _cancel, "export": _export}
        return commands[argv[0]](argv[1:]) if argv[0] in commands else _run(argv)
    except (ConfigError, SchedulerError) as error:
        print(f"launch: error: {error}", file=sys.stderr)
        return 2


def _help() -> str:
    conf = Path(__file__).parent / "conf"
    names = {group: ", ".join(sorted(p.stem for p in (conf / group).glob("*.yaml"))) for group in _GROUPS.values()}
    return HELP.format(**{key: names[group] for key, group in _GROUPS.items()})


_GROUPS = {"experiments": "experiment", "models": "model", "data": "data", "clusters": "cluster"}


def _run(argv: list[str]) -> int:
    from launch.config import ConfigError

    flags = [word for word in argv if word.startswith("-")]
    if unknown := [flag for flag in flags if flag not in ("--cfg", "--dry-run", "-h", "--help")]:
        raise ConfigError(f"{unknown[0]}: no such option; valid are --cfg, --dry-run, --help")
    if "--help" in flags or "-h" in flags:
        print(_help(), end="")
        return 0
    from launch.compose import compose, to_yaml
    from launch.plan import described, plan

    config = compose([word for word in argv if word not in flags])
    if flags:
        print(to_yaml(config) if "--cfg" in flags else described(plan(config)) + "\n", end="")
        return 0
    from launch.prepare import prepare
    from launch.submit import drive

    run, stages = prepare(config)
    if config.cluster.kind == "slurm":
        return _submit(run, stages, config)
    status = drive(run, stages, config.cluster)
    if status == 130:
        print(f"launch: stopped; go on with: python -m launch {shlex.join(argv)}", file=sys.stderr)
    if status == 0:
        _print_table(run, config.tables.ks)
    return status


def _submit(run: Path, stages: tuple[Stage, ...], config: Config) -> int:
    from launch.submit_slurm import submit

    for each in submit(run, stages, config.cluster):
        after = f"  after {', '.join(each.after)}" if each.after else ""
        print(f"{each.stage:<14} {each.tasks} task{'s' * (each.tasks > 1)}  job {', '.join(each.arrays)}{after}")
    print(f"how far it is: python -m launch status {shlex.quote(os.path.relpath(run))}")
    return 0


def _print_table(run: Path, ks: list[int]) -> None:
    from results.render import render
    from results.tables import pass_rate_table

    terminal = sys.stdout.isatty()
    width = min(os.get_terminal_size().columns, 140) if terminal else 100
    print(render(pass_rate_table([run], ks=ks), "rich", width, terminal), end="")
    shown = Path(os.path.relpath(run))
    print(f"table: {shown / 'tables' / 'table.md'}\nplot:  {shown / 'tables' / 'pass_rate.png'}")


def _status(argv: list[str]) -> int:
    from launch.status import status_lines

    parser = argparse.ArgumentParser("python -m launch status", description="How far a run is: a line a stage.")
    parser.add_argument("run", type=Path, help="a run directory")
    print("\n".join(status_lines(parser.parse_args(argv).run)))
    return 0


def _cancel(argv: list[str]) -> int:
    from launch.submit_slurm import cancel

    parser = argparse.ArgumentParser("python -m launch cancel", description="Ends a run's jobs on Slurm, waiting or running.")
    parser.add_argument("run", type=Path, help="a run directory")
    print(f"{cancel(parser.parse_args(argv).run)} tasks cancelled")
    return 0


def _export(argv: list[str]) -> int:
    from launch.export import export_newest

    what = "Writes the newest checkpoint of a run that trains, or was killed, as a Hugging Face folder. Training may go on."
    parser = argparse.ArgumentParser("python -m launch export", description=what)
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("--stage", help="a training stage of its plan.json (default: the first that is not done)")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write, which must not be there yet")
    given = parser.parse_args(argv)
    print(export_newest(given.run, given.stage, given.out))
    return 0


def _stage(argv: list[str]) -> int:
    """Errors of the stage keep their traceback: they go to the job's log."""
    from launch.stages import run_stage

    parser = argparse.ArgumentParser("python -m launch stage", description="Runs one task of a stage, unless it is done.")
    parser.add_argument("run", type=Path, help="a run directory")
    parser.add_argument("stage", help="a stage of its plan.json")
    parser.add_argument("--shard", type=int, default=0, help="which task of the stage (default 0)")
    given = parser.parse_args(argv)
    run_stage(given.run, given.stage, given.shard)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
