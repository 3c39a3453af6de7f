"""`python -m launch`: runs an experiment, one task of it, or tells how far it is."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from launch.arrays import Home
    from launch.config import Config
    from launch.plan import Run

# hydra, submitit, pyarrow and the rest are imported where a command needs them: --help answers at once.

HELP = """\
Runs an experiment: problems → programs → jailed tests → replay → fine-tuning → pass-rate table.

usage:
  python -m launch [OPTION] KEY=VALUE ...          compose a config, plan its stages, run them or hand them to Slurm
  python -m launch --multirun KEY=A,B,C ...        a sweep: every combination of the values, in run_dir/KEY=A, run_dir/KEY=B, …
  python -m launch status RUN                      how far a run or a sweep is; what failed, and why
  python -m launch logs RUN [STAGE]                what its jobs wrote
  python -m launch cancel RUN                      end its jobs on Slurm
  python -m launch resume RUN [cluster=NAME ...]   do what is missing
  python -m launch retry --failed RUN              on Slurm: only what failed, and what waited for it
  python -m launch export RUN --out FOLDER         the model as its training has it now (--stage: of several)
  python -m launch stage RUN STAGE --shard I ...   one task of a run (what every job runs)

options:
  --cfg       print the composed config, run nothing
  --dry-run   print the plan, and for Slurm the sbatch scripts; run nothing
  --prepare   make the run directory, run nothing: for sbatch scripts of your own (slurm/README.md)

keys (--cfg prints all of them; launch/conf explains each):
  experiment=NAME   a named set of values: {experiments}
  run_dir=FOLDER    the run's folder; started again with the same one, a run does what is missing
  model=NAME        {models}; or any Hugging Face name or folder: model=pretrained model.path=PATH
  data=NAME         {data}
  method=NAME       {methods}
  cluster=NAME      {clusters}
  seed=N            every other seed is this one

examples:
  python -m launch experiment=demo
  python -m launch experiment=demo run_dir=runs/seed1 seed=1
  python -m launch run_dir=runs/he data=humaneval        without an experiment: BTP on all problems of the data
  python -m launch run_dir=runs/qwen model=pretrained model.path=Qwen/Qwen2.5-Coder-0.5B-Instruct
  python -m launch run_dir=runs/mine data=files data.train.name=train.jsonl data.test.name=test.jsonl
  python -m launch experiment=demo method.replay.priority=rank --dry-run
  python -m launch --multirun experiment=demo run_dir=runs/weights method.replay.weight=0,0.25,0.5 seed=1,2 cluster=slurm
  python -m launch export runs/demo --out runs/demo-now

A run ends with exit status 0, 1 where a task failed, 2 where something given was wrong, 130 where it was stopped.
"""


def main(argv: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    if not argv or argv[0] in ("-h", "--help"):
        print(_help(), end="", file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    from launch.config import ConfigError
    from launch.progress import NotDoneError
    from slurm.accounting import SchedulerError

    try:
        return _on_run(argv[0])(argv[1:]) if argv[0] in ON_RUN else _run(argv)
    except (ConfigError, NotDoneError, SchedulerError) as error:
        print(f"launch: error: {error}", file=sys.stderr)
        return 2


def _on_run(word: str) -> Callable[[list[str]], int]:
    from launch import commands

    return getattr(commands, word)  # type: ignore[no-any-return]


def _help() -> str:
    conf = Path(__file__).parent / "conf"
    names = {group: ", ".join(sorted(p.stem for p in (conf / group).glob("*.yaml"))) for group in _GROUPS.values()}
    return HELP.format(**{key: names[group] for key, group in _GROUPS.items()})


ON_RUN = ("status", "logs", "cancel", "resume", "retry", "export", "stage")  # the functions of launch.commands
FLAGS = ("--cfg", "--dry-run", "--prepare", "--multirun", "-m", "--help", "-h")
_GROUPS = {"experiments": "experiment", "models": "model", "data": "data", "methods": "method", "clusters": "cluster"}


def _run(argv: list[str]) -> int:
    from launch.config import ConfigError

    flags = [word for word in argv if word.startswith("-")]
    if unknown := [flag for flag in flags if flag not in FLAGS]:
        raise ConfigError(f"{unknown[0]}: no such option; valid are {', '.join(FLAGS)}")
    if "--help" in flags or "-h" in flags:
        print(_help(), end="")
        return 0
    overrides = [word for word in argv if word not in flags]
    if "--multirun" in flags or "-m" in flags:
        return _sweep(overrides, flags, argv)
    from launch.compose import compose, to_yaml
    from launch.plan import Run, described, plan

    config = compose(overrides)
    if "--cfg" in flags:
        print(to_yaml(config), end="")
        return 0
    if "--dry-run" in flags:
        from launch.prepare import check_parameters

        check_parameters(config.cluster, submits=False)
        stages = plan(config)
        print(described(stages))
        _print_scripts([Run(Path(config.run_dir).expanduser().absolute(), stages)], config)
        return 0
    from launch.prepare import prepare

    run = prepare(config)
    if "--prepare" in flags:
        print(described(run.stages))
        return 0
    return _start([run], config, None, argv)


def _sweep(overrides: list[str], flags: list[str], argv: list[str]) -> int:
    from launch.sweep import composed, prepare

    sweep = composed(overrides)
    config = next(iter(sweep.points.values()))
    if "--cfg" in flags:
        from launch.compose import to_yaml

        for name, each in sweep.points.items():
            print(f"# {name}\n{to_yaml(each)}")
        return 0
    if "--dry-run" in flags:
        from launch.prepare import check_parameters
        from launch.sweep import described

        check_parameters(config.cluster, submits=False)
        print(described(sweep))
        homes = sweep.homes()
        _print_scripts(sweep.runs(), config, sweep.table(), lambda run, stage: homes[run, stage])
        return 0
    runs, table = prepare(sweep)
    if "--prepare" in flags:
        print("\n".join(str(run.path) for run in runs))
        return 0
    return _start(runs, config, table, argv)


def _start(runs: list[Run], config: Config, table: Run | None, argv: list[str]) -> int:
    from launch import commands

    if config.cluster.kind == "slurm":
        return commands.submit(runs, config.cluster, table)
    return commands.drive(runs, config.cluster, table, f"python -m launch {shlex.join(argv)}")


def _print_scripts(runs: list[Run], config: Config, table: Run | None = None, doer: Home | None = None) -> None:
    if config.cluster.kind == "slurm":
        from launch.submit_slurm import scripts

        for text in scripts(runs, config.cluster, table, doer):
            print(f"\n{text}", end="")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
