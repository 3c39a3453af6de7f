"""`python -m results`: the pass-rate table, its plot, what trainings told, and the list of judged programs."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

# pyarrow, numpy and matplotlib are imported where a command needs them: --help and a mistyped option answer at once.
from results.render import FORMATS as TABLE_FORMATS
from results.render import render

if TYPE_CHECKING:
    from results.tables import Table

LIST_FORMATS = ("table", "jsonl", "csv")
FOLDER_HELP = "a run directory, or a folder that `python -m sandbox judge` wrote"
EXAMPLES = """\
examples:
  python -m results table runs/demo                      before and after, on the test split
  python -m results table runs/a runs/b --k 1,5,10       two runs in one table, with pass@5 and pass@10
  python -m results table runs/demo --format latex --output table.tex
  python -m results table runs/seed* --over-runs         a row a model: mean over the seeds, their luck in the interval
  python -m results table runs/* --over-runs --against small+vanilla_ppo   differences, paired by run or seed
  python -m results plot runs/demo --output pass_rate.png
  python -m results plot runs/seed* --over-runs --output pass_rate.png
  python -m results training runs/seed1                  reward, pass rates, KL, tokens/s of its steps, also while it trains
  python -m results training runs/seed1 --last 10        the last ten steps, one by one
  python -m results training runs/* --output curves.png  and a picture, a line a method
  python -m results programs runs/demo --verdict time_limit
  python -m results programs runs/demo --format jsonl | head -3
"""


def parser() -> argparse.ArgumentParser:
    """The command line; each command's `run` takes what was parsed."""
    layout: dict[str, Any] = {"epilog": EXAMPLES, "formatter_class": argparse.RawDescriptionHelpFormatter}
    top = argparse.ArgumentParser("python -m results", description="What the judge found, in numbers.", **layout)
    commands = top.add_subparsers(dest="command", required=True, metavar="{table,plot,training,programs}")

    table = commands.add_parser("table", help="the pass-rate table, with 95 %% intervals", **layout)
    table.add_argument("--format", choices=TABLE_FORMATS, default="rich", help="rich, for the terminal, is the default")
    table.add_argument("--output", type=Path, metavar="FILE", help="write here instead of standard output")
    table.add_argument("--against", metavar="AUTHOR", help="with --over-runs: each model's difference to this one, run by run")
    table.set_defaults(run=_table)

    plot = commands.add_parser("plot", help="the table as a picture", **layout)
    plot.add_argument("--metric", default="pass_rate", help="pass_rate (the default), strict_accuracy, or pass@K for a K of --k")
    plot.add_argument("--output", type=Path, metavar="FILE", required=True, help="the picture: .png, .pdf or .svg")
    plot.set_defaults(run=_plot)

    for command in (table, plot):
        command.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help=FOLDER_HELP)
        command.add_argument("--k", type=_ks, default=(1,), metavar="K,K,...", help="pass@k for each k, as in 1,5,10 (default 1)")
        command.add_argument("--split", choices=("test", "train", "all"), default="test", help="whose programs (default test)")

    for command in (table, plot):
        command.add_argument("--over-runs", action="store_true", help="a row a model, the mean over all runs that have it")

    training = commands.add_parser("training", help="what trainings from test feedback told, step by step", **layout)
    training.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="a run directory, or the folder of a training")
    training.add_argument("--last", type=_count, metavar="N", help="only the last N steps (default all)")
    training.add_argument("--output", type=Path, metavar="FILE", help="draw them too: .png, .pdf or .svg")
    training.set_defaults(run=_training)

    programs = commands.add_parser("programs", help="a row a program", **layout)
    programs.add_argument("folder", type=Path, metavar="FOLDER", help=FOLDER_HELP)
    programs.add_argument("--format", choices=LIST_FORMATS, default="table", help="table, for reading, is the default")
    programs.add_argument("--verdict", help="only programs of this verdict, as in wrong_answer")
    programs.add_argument("--author", help="only programs by this model")
    programs.add_argument("--output", type=Path, metavar="FILE", help="write here instead of standard output")
    programs.set_defaults(run=_programs)
    return top


def _ks(text: str) -> tuple[int, ...]:
    parts = text.split(",")
    if not all(part.strip().isascii() and part.strip().isdigit() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is no list of whole numbers >= 1, as in 1,5,10")
    return tuple(int(part) for part in parts)


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number >= 1")
    return int(text)


def _tabulated(options: argparse.Namespace) -> Table:
    from results.over_runs import against_table, over_runs_table
    from results.tables import pass_rate_table

    split = None if options.split == "all" else options.split
    against = getattr(options, "against", None)
    if against is not None:
        if not options.over_runs:
            raise ValueError(f"--against {against} compares run by run: give --over-runs too")
        return against_table(options.folders, against, options.k, split)
    return (over_runs_table if options.over_runs else pass_rate_table)(options.folders, options.k, split)


def _table(options: argparse.Namespace) -> None:
    _check_output(options.output)
    table = _tabulated(options)
    to_terminal = options.output is None and sys.stdout.isatty()
    text = render(table, options.format, shutil.get_terminal_size().columns if to_terminal else 100, to_terminal)
    if options.format == "csv":
        for note in table.notes:
            print(f"note: {note}", file=sys.stderr)
    if options.output is None:
        sys.stdout.write(text)
    else:
        with _Whole(options.output) as path:
            path.write_text(text, encoding="utf-8")


def _plot(options: argparse.Namespace) -> None:
    from results.plots import check_suffix, plot_table

    _check_output(options.output)
    check_suffix(options.output)
    table = _tabulated(options)
    plot_table(table, options.output, options.metric)
    for note in table.notes:
        print(f"note: {note}", file=sys.stderr)
    print(options.output)


def _training(options: argparse.Namespace) -> None:
    from results.steps import LEGEND, by_method, find_trainings, read_steps, training_text

    _check_output(options.output)
    if options.output is not None:
        from results.plots import check_suffix  # matplotlib, only for a picture

        check_suffix(options.output)
    trainings = [(training, read_steps(training.steps, options.last)) for training in find_trainings(options.folders)]
    print("\n".join([*(training_text(training, rows) for training, rows in trainings), LEGEND]))
    if options.output is not None:
        from results.training import plot_trainings

        plot_trainings(by_method(trainings), options.output)
        print(options.output)


def _programs(options: argparse.Namespace) -> None:
    from results.programs import write_list

    _check_output(options.output)
    if options.output is None:
        write_list(options.folder, options.format, sys.stdout, options.verdict, options.author)
    else:
        with _Whole(options.output) as path, path.open("w", encoding="utf-8") as out:
            write_list(options.folder, options.format, out, options.verdict, options.author)


def _check_output(output: Path | None) -> None:
    """Before any work is done."""
    if output is not None and not output.parent.is_dir():
        raise FileNotFoundError(f"--output {output}: no folder {output.parent}")
    if output is not None and output.is_dir():
        raise IsADirectoryError(f"--output {output}: is a folder")


class _Whole:
    """A path beside `path`, renamed to it at the end: nothing half-written stays."""

    def __init__(self, path: Path) -> None:
        self.path, self.beside = path, path.with_name(f"_{path.name}.{os.getpid()}")

    def __enter__(self) -> Path:
        return self.beside

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            self.beside.rename(self.path)
        self.beside.unlink(missing_ok=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; gives the exit status: 0, 2 for bad input (one line on stderr), 141 where the reader of a pipe left."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more as it ends
        return 141
    except (ValueError, OSError) as error:
        print(f"python -m results {options.command}: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
