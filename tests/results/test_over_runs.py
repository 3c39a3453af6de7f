import json
import re

import pytest

from results.over_runs import against_table, over_runs_table
from results.plots import plot_table
from results.render import render
from results.stats import wilson_interval
from results.tables import pass_rate_table
from tests.results.judged_parts import program, write_judged


def seeded(run, seed, **passes):
    """A run of two easy problems and a hard one, a program each; `passes` = {stage: (author, tests passed of 4 by problem)}."""
    run.mkdir()
    (run / "config.yaml").write_text(f"run_dir: r\nseed: {seed}\nmethod:\n  sft:\n    seed: 99\n")
    for stage, (author, passed) in passes.items():
        tiers = ("introductory", "introductory", "competition")
        rows = [program(f"p{i}", n, author=author, difficulty=tiers[i]) for i, n in enumerate(passed)]
        write_judged(run / f"judge-{stage}", rows)
    return run


@pytest.fixture
def runs(tmp_path):
    """Two seeds of one method, two of another; each with the model that its training began with: the same where the seed is."""
    return [
        seeded(tmp_path / "a0", 0, before=("small", (4, 0, 0)), after=("small+a", (4, 4, 0))),
        seeded(tmp_path / "a1", 1, before=("small", (4, 2, 0)), after=("small+a", (4, 4, 2))),
        seeded(tmp_path / "b1", 1, before=("small", (4, 2, 0)), after=("small+b", (4, 2, 0))),
        seeded(tmp_path / "b0", 0, before=("small", (4, 0, 0)), after=("small+b", (4, 0, 0))),
    ]


def rows(table, metric="pass_rate", column="all"):
    return {row.label: row.cells[metric][column] for row in table.rows if column in row.cells[metric]}


def test_a_row_an_author(runs):
    table = over_runs_table(runs, ks=(1,))
    assert table.over_runs
    assert table.notes == ("small: 2 runs left out, the same as another of that seed, result by result",)
    found = rows(table)
    assert {name: round(cell.mean, 6) for name, cell in found.items()} == {
        "small": round((4 / 12 + 6 / 12) / 2, 6),
        "small+a": round((8 / 12 + 10 / 12) / 2, 6),
        "small+b": round((4 / 12 + 6 / 12) / 2, 6),
    }
    assert (found["small"].runs, found["small"].problems, found["small"].programs) == (2, 3, 6)
    easy = rows(table, column="introductory")["small+a"]
    assert (easy.mean, easy.runs, easy.problems, easy.programs) == (1, 2, 2, 4)
    assert easy.interval == wilson_interval(1, 2)  # the runs agree, so the problems' luck alone
    strict = rows(table, "strict_accuracy")["small+a"].interval  # 2/3 in both; problems that differ in all programs: three draws
    assert (strict.low, strict.high) == (
        pytest.approx(wilson_interval(2 / 3, 3).low),
        pytest.approx(wilson_interval(2 / 3, 3).high),
    )
    assert (found["small"].interval.low, found["small"].interval.high) == (0, 1)  # two seeds, 4 and 6 of 12: 12.7 / 12 about 5/12


def test_one_run_is_todays_row_and_says_so(runs):
    alone, table = pass_rate_table(runs[:1]), over_runs_table(runs[:1])
    assert [row.cells for row in table.rows] == [row.cells for row in alone.rows]
    assert [note for note in table.notes if "one seed says nothing" in note] == list(table.notes)
    assert table.notes[1].startswith("small+a: one run; ")
    mixed = over_runs_table(runs[:3])
    assert [note.split(":")[0] for note in mixed.notes if "one run" in note] == ["small+b"]


def test_runs_of_one_seed_that_differ_are_told(runs):
    again = seeded(runs[0].parent / "again", 0, after=("small+a", (4, 0, 0)))
    table = over_runs_table([*runs, again])
    assert rows(table)["small+a"].runs == 3
    assert any(
        note.startswith("small+a: several runs have seed 0; the interval takes them for independent") for note in table.notes
    )


def test_runs_with_other_problems_are_told(runs):
    table = over_runs_table([runs[0], seeded(runs[0].parent / "short", 5, after=("small+a", (4, 4)))])
    assert any("small+a: its runs do not have programs for the same problems (3, 2 of them)" in note for note in table.notes)
    hard = rows(table, column="competition")["small+a"]
    assert (hard.runs, hard.problems) == (1, 1)


def test_differences_are_paired_by_run_where_both_are_in_it(runs):
    table = against_table(runs, "small")
    found = rows(table)
    assert list(found) == ["small+a", "small+b"]
    assert found["small+a"].mean == pytest.approx((4 + 4) / 12 / 2)  # 8-4 and 10-6 of 12
    assert found["small+b"].mean == pytest.approx((2 - 2) / 12 / 2)
    assert (found["small+a"].runs, found["small+a"].problems, found["small+a"].programs) == (2, 3, 6)
    assert table.notes == ("small+a and small: 2 pairs of one run each", "small+b and small: 2 pairs of one run each")


def test_differences_are_paired_by_seed_where_no_run_has_both(runs):
    table = against_table(runs, "small+b")
    found = rows(table)
    # Seed 0: 8 - 4 of 12, seed 1: 10 - 6: the pairs agree. By the order of the folders they would be 8 - 6 and 10 - 4.
    assert found["small+a"].mean == pytest.approx(4 / 12)
    assert "small+a and small+b: 2 pairs of runs of one seed (0, 1)" in table.notes
    crossed = [seeded(runs[0].parent / "c", 1, after=("c", (4, 4, 0))), seeded(runs[0].parent / "d", 0, after=("c", (4, 4, 2)))]
    other = rows(against_table([*runs, *crossed], "small+a"))["c"]
    straight = found["small+a"].interval
    assert other.mean == pytest.approx(0)  # 8 - 10 and 10 - 8
    assert other.interval.high - other.interval.low > straight.high - straight.low


def test_one_pair_says_that_it_is_one(runs):
    assert "one seed says nothing" in against_table(runs[:1], "small").notes[0]


def test_what_cannot_be_paired_is_named(runs, tmp_path):
    with pytest.raises(ValueError, match=r"no program of author 'big' to compare with; authors there: small, small\+a, small\+b"):
        against_table(runs, "big")
    again = seeded(tmp_path / "again", 0, after=("small+b", (4, 0, 0)))
    with pytest.raises(ValueError, match=r"small\+b: .*b0 and .*again have one seed, 0"):
        against_table([*runs, again], "small+a")
    with pytest.raises(ValueError, match=r"no run and no seed in common to be paired by: small\+b has 1; small\+a has 0"):
        against_table([runs[0], runs[2]], "small+a")
    (runs[3] / "config.yaml").unlink()
    with pytest.raises(ValueError, match=r"b0: no config\.yaml with a seed"):
        against_table(runs, "small+a")
    lone = write_judged(tmp_path / "lone", [program("p", 4)])
    with pytest.raises(ValueError, match="'model' is the only author there"):
        against_table([lone], "model")


def test_every_format_says_runs_and_differences(runs, tmp_path):
    over, against = over_runs_table(runs), against_table(runs, "small")
    assert re.search(r"small\+a +2 × 2 × 1 +2 × 1 × 1 +2 × 3 × 1", render(over, "rich"))
    assert "Student's t" in render(over, "md")
    text = render(against, "rich")
    assert "Points above small" in text
    assert "+33.3 [" in text
    assert "pass rate (difference)" in render(against, "latex")
    assert r"2 $\times$ 3 $\times$ 1" in render(against, "latex")
    first = json.loads(render(against, "json"))["rows"][0]
    assert (first["run"], first["author"], first["runs"], first["against"]) == (None, "small+a", 2, "small")
    plot_table(over, tmp_path / "p.svg")
    assert "<!-- 2 runs" in (tmp_path / "p.svg").read_text()


def test_no_pass_rate_where_judging_stopped_early(tmp_path):
    stopped = [program("a", 4, tests_run=4), program("b", 1, tests_run=2)]
    folders = [write_judged(tmp_path / name, stopped) for name in "xy"]
    for table in (pass_rate_table(folders), over_runs_table(folders)):
        assert table.metrics == ("strict_accuracy", "pass@1")
        assert table.notes == ("no pass rate: judging stopped at each program's first failure",)
        plot_table(table, tmp_path / "p.png", "strict_accuracy")
        assert "pass rate" not in render(table, "md").splitlines()[2]
