"""The pass-rate table over several runs: a row a model, the mean over its runs (seeds); or its difference to one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from results.stats import difference_over_runs, mean_over_runs
from results.tables import ALL_COLUMNS, Cell, Row, Table, Tested, read_tested, table_of

SEED = re.compile(r"^seed: (-?\d+)$", re.MULTILINE)  # of a run's config.yaml: its own key, not a part's
Pair = tuple[Tested, Tested]


def over_runs_table(folders: Sequence[Path], ks: Sequence[int] = (1,), split: str | None = "test") -> Table:
    """A row an author: the mean over the runs in which it has programs, with the interval of `results.stats.mean_over_runs`.

    Arguments and errors as of `results.tables.pass_rate_table`.
    """
    tested, notes = read_tested(folders, ks, split)
    rows = []
    for author, runs in _by_author(tested).items():
        kept = _without_copies(runs)
        rows.append(_row(author, kept, _mean_cell))
        notes += _warnings(author, runs, kept)
    table = table_of(rows, tuple(tested[0].sums), notes)
    return Table(table.metrics, table.columns, table.rows, table.notes, over_runs=True)


def against_table(folders: Sequence[Path], against: str, ks: Sequence[int] = (1,), split: str | None = "test") -> Table:
    """A row an author but `against`: how much higher its mean is, paired by run, over all pairs.

    Where both have programs in some run, each such run is a pair; where they never do, two runs of one seed (of `config.yaml`)
    are. Only problems that both runs of a pair tested count. The interval: `results.stats.difference_over_runs`.
    Errors as of `results.tables.pass_rate_table`; ValueError too where nobody is called `against`, nobody else is there, or
    runs cannot be paired.
    """
    tested, notes = read_tested(folders, ks, split)
    authors = _by_author(tested)
    if against not in authors:
        raise ValueError(f"no program of author {against!r} to compare with; authors there: {', '.join(authors)}")
    if len(authors) == 1:
        raise ValueError(f"{against!r} is the only author there: nothing to compare with it")
    rows = []
    for author, runs in authors.items():
        if author == against:
            continue
        pairs, how = _pairs(runs, authors[against])
        rows.append(_row(author, [one for one, _ in pairs], _difference_cell(pairs)))
        notes.append(f"{author} and {against}: {_counted(len(pairs), 'pair')} {how}{_one_seed(len(pairs))}")
    table = table_of(rows, tuple(tested[0].sums), notes)
    return Table(table.metrics, table.columns, table.rows, table.notes, over_runs=True, against=against)


def _by_author(tested: Sequence[Tested]) -> dict[str, list[Tested]]:
    authors: dict[str, list[Tested]] = {}
    for one in tested:
        authors.setdefault(one.author, []).append(one)
    return authors


def _without_copies(runs: Sequence[Tested]) -> list[Tested]:
    """Leaves out what another run of the same seed has told already: methods compared from one start judge that start each."""
    kept: list[Tested] = []
    for one in runs:
        if not any(_seed(one) is not None and _seed(one) == _seed(other) and _same(one, other) for other in kept):
            kept.append(one)
    return kept


def _same(one: Tested, other: Tested) -> bool:
    """All counts are the same; the order of the problems does not matter."""
    counts = [
        {problem: (each.programs[at], *(of[at] for of in each.sums.values())) for at, problem in enumerate(each.problems)}
        for each in (one, other)
    ]
    return counts[0] == counts[1]


def _warnings(author: str, runs: Sequence[Tested], kept: Sequence[Tested]) -> list[str]:
    notes = []
    if copies := len(runs) - len(kept):
        notes.append(f"{author}: {_counted(copies, 'run')} left out, the same as another of that seed, result by result")
    seeds = [seed for one in kept if (seed := _seed(one)) is not None]
    if twice := sorted({seed for seed in seeds if seeds.count(seed) > 1}):
        listed = ", ".join(map(str, twice))
        notes.append(f"{author}: several runs have seed {listed}; the interval takes them for independent, which they may not be")
    if len(kept) == 1:
        notes.append(f"{author}: one run{_one_seed(1)}")
    elif len({frozenset(one.problems) for one in kept}) > 1:
        counts = ", ".join(f"{len(one.problems):,}" for one in kept)
        notes.append(f"{author}: its runs do not have programs for the same problems ({counts} of them)")
    return notes


def _one_seed(runs: int) -> str:
    return "; the interval holds the problems' luck alone, one seed says nothing about other seeds" if runs == 1 else ""


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _row(author: str, runs: Sequence[Tested], cell: Callable[[Sequence[Tested], str, str], Cell | None]) -> Row:
    cells = {
        metric: {column: made for column in ALL_COLUMNS if (made := cell(runs, metric, column)) is not None}
        for metric in runs[0].sums
    }
    return Row(author, None, cells, sum(one.judge_errors for one in runs))


def _mean_cell(runs: Sequence[Tested], metric: str, column: str) -> Cell | None:
    runs = [one for one in runs if len(one.chosen(column))]
    if not runs:
        return None
    only = [_problems(one, column) for one in runs]
    problems = sorted(set().union(*only))
    sums, sizes, programs = _aligned(runs, metric, problems, only)
    return Cell(*mean_over_runs(sums, sizes, programs), len(problems), programs, len(runs))


def _difference_cell(pairs: Sequence[Pair]) -> Callable[[Sequence[Tested], str, str], Cell | None]:
    def cell(_: Sequence[Tested], metric: str, column: str) -> Cell | None:
        shared = [_problems(one, column) & _problems(other, column) for one, other in pairs]
        used = [at for at, both in enumerate(shared) if both]
        if not used:
            return None
        problems, only = sorted(set().union(*shared)), [shared[at] for at in used]
        ones, others = ([pairs[at][side] for at in used] for side in (0, 1))
        (sums, sizes, programs), second = _aligned(ones, metric, problems, only), _aligned(others, metric, problems, only)
        difference = difference_over_runs((sums, second[0]), (sizes, second[1]), (programs, second[2]))
        return Cell(*difference, len(problems), programs, len(used))

    return cell


def _problems(one: Tested, column: str) -> set[tuple[str, str]]:
    return {one.problems[at] for at in one.chosen(column)}


def _aligned(
    runs: Sequence[Tested], metric: str, problems: Sequence[tuple[str, str]], only: Sequence[set[tuple[str, str]]]
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Sums and sizes [runs, problems] and the number of programs; 0 where a problem is not among the run's `only`."""
    place = {problem: at for at, problem in enumerate(problems)}
    sums, sizes, programs = np.zeros((len(runs), len(place))), np.zeros((len(runs), len(place)), dtype=np.int64), 0
    for row, one in enumerate(runs):
        here = [at for at, problem in enumerate(one.problems) if problem in only[row]]
        there = [place[one.problems[at]] for at in here]
        sums[row, there], sizes[row, there] = one.sums[metric][here], one.weights(metric)[here]
        programs += int(one.programs[here].sum())
    return sums, sizes, programs


def _pairs(runs: Sequence[Tested], others: Sequence[Tested]) -> tuple[list[Pair], str]:
    """(the pairs, how they were made). Raises ValueError where they cannot be made."""
    same = {other.judged.folder: other for other in others}
    if within := [(one, same[one.judged.folder]) for one in runs if one.judged.folder in same]:
        return within, "of one run each"
    seeds = [_by_seed(of) for of in (runs, others)]
    if not (shared := [seed for seed in seeds[0] if seed in seeds[1]]):
        there = "; ".join(
            f"{of[0].author} has {', '.join(map(str, seed))}" for of, seed in zip((runs, others), seeds, strict=True)
        )
        raise ValueError(f"{runs[0].author} and {others[0].author} have no run and no seed in common to be paired by: {there}")
    return [(seeds[0][seed], seeds[1][seed]) for seed in shared], f"of runs of one seed ({', '.join(map(str, shared))})"


def _by_seed(runs: Sequence[Tested]) -> dict[int, Tested]:
    found: dict[int, Tested] = {}
    for one in runs:
        seed = _seed(one)
        if seed is None:
            raise ValueError(f"{one.judged.folder}: no config.yaml with a seed to pair {one.author}'s run with another's by")
        other = found.setdefault(seed, one)
        if other is not one:
            both = f"{other.judged.folder} and {one.judged.folder}"
            raise ValueError(f"{one.author}: {both} have one seed, {seed}, so its runs cannot be paired by seed")
    return found


def _seed(one: Tested) -> int | None:
    """Of the run; None where the folder tells none."""
    path = one.judged.folder / "config.yaml"
    found = SEED.search(path.read_text(encoding="utf-8")) if path.is_file() else None
    return int(found[1]) if found else None
