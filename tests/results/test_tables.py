import shutil

import pyarrow as pa
import pytest

from results.parts import write_part
from results.stats import wilson_interval
from results.tables import pass_rate_table
from tests.results.judged_parts import program, write_judged, write_run


def means(table, metric):
    return {row.label: {column: cell.mean for column, cell in row.cells[metric].items()} for row in table.rows}


def test_a_run_before_and_after(tmp_path):
    table = pass_rate_table([write_run(tmp_path / "demo")], ks=(2,))
    assert table.columns == ("introductory", "competition", "all")
    assert table.metrics == ("pass_rate", "strict_accuracy", "pass@1", "pass@2")
    assert means(table, "pass_rate") == {
        "base": {"introductory": 0.75, "competition": 0.125, "all": 0.4375},
        "base+btp": {"introductory": 1.0, "competition": 0.625, "all": 0.8125},
    }
    assert list(means(table, "pass_rate")) == ["base", "base+btp"]  # before stands above after
    assert means(table, "strict_accuracy")["base"] == {"introductory": 0.5, "competition": 0, "all": 0.25}
    assert means(table, "pass@2")["base+btp"] == {"introductory": 1, "competition": 1, "all": 1}
    assert table.notes == ()
    cell = table.rows[0].cells["pass_rate"]["all"]
    assert (cell.problems, cell.programs) == (2, 4)
    assert cell.interval == wilson_interval(0.4375, 2)  # the two problems differ as much as they can: two draws, not four


def test_train_is_left_out_unless_asked(tmp_path):
    run = write_run(tmp_path / "demo")
    assert means(pass_rate_table([run], split="train"), "pass_rate") == {"base": {"introductory": 1.0, "all": 1.0}}
    both = pass_rate_table([run], split=None)
    assert both.rows[0].cells["pass_rate"]["all"].programs == 7
    null = write_judged(tmp_path / "null", [program("a", 4, split=None)])
    assert pass_rate_table([null]).rows[0].cells["pass_rate"]["all"].programs == 1
    with pytest.raises(ValueError, match=r"no program of split 'train'; splits there: test"):
        pass_rate_table([null], split="train")
    with pytest.raises(ValueError, match=r"'tset'; valid: test, train"):
        pass_rate_table([null], split="tset")


def test_judge_errors_are_dropped_and_counted(tmp_path):
    lost = {"verdict": "judge_error", "tests_passed": 0, "tests_total": 0}
    folder = write_judged(tmp_path / "judged", [program("a", 4), program("a", 0, sample=1, **lost), program("b", 0, **lost)])
    table = pass_rate_table([folder])
    for metric in table.metrics:
        cell = table.rows[0].cells[metric]["all"]
        assert (cell.mean, cell.problems, cell.programs) == (1, 1, 1)
    assert table.rows[0].judge_errors == 2
    assert table.notes == ("model: 2 of 3 programs dropped, the judge itself failed on them (judge_error)",)
    with pytest.raises(ValueError, match=r"pass@2 needs 2 programs a problem, model has 1 for problem a and 1 more judge_error"):
        pass_rate_table([folder], ks=(1, 2))


def test_only_judge_errors_is_a_row_without_numbers(tmp_path):
    table = pass_rate_table([write_judged(tmp_path / "judged", [program("a", 0, verdict="judge_error")])])
    assert table.rows[0].cells["pass_rate"] == {}
    assert table.columns == ("all",)


def test_pass_at_1_weighs_problems_and_strict_accuracy_programs(tmp_path):
    rows = [program("a", 4, sample=s) for s in range(3)] + [program("b", 0)]
    table = pass_rate_table([write_judged(tmp_path / "judged", rows)])
    assert means(table, "strict_accuracy")["model"]["all"] == 0.75
    assert means(table, "pass@1")["model"]["all"] == 0.5


def test_half_written_parts_are_not_read(tmp_path):
    run = write_run(tmp_path / "demo")
    programs = run / "judge-before" / "programs"
    whole = pass_rate_table([run])
    (programs / "_part-00002.node.17").write_bytes(b"PAR1 half of a part")
    shutil.copy(programs / "part-00000.parquet", programs / "_part-00000.parquet")
    assert pass_rate_table([run]) == whole


def test_the_number_of_shards_does_not_show(tmp_path):
    rows = [program(f"p/{i % 30}", i % 4, sample=i // 30, total=3 if i % 4 < 3 else 7) for i in range(300)]
    one = write_judged(tmp_path / "one", rows)
    many = write_judged(tmp_path / "many", *(rows[i : i + 37] for i in range(0, 300, 37)))
    a, b = (pass_rate_table([folder], ks=(1, 5)).rows[0].cells for folder in (one, many))
    assert {m: {c: round(v.mean, 12) for c, v in cells.items()} for m, cells in a.items()} == {
        m: {c: round(v.mean, 12) for c, v in cells.items()} for m, cells in b.items()
    }


def test_a_program_judged_twice_is_refused(tmp_path):
    rows = [program("a", 4, program_row=0), program("b", 4, program_row=1)]
    folder = write_judged(tmp_path / "judged", rows, rows[:1])
    with pytest.raises(ValueError, match="sample 0 of problem a by model was judged more than once"):
        pass_rate_table([folder])


def test_several_runs_are_told_apart(tmp_path):
    a, b = write_run(tmp_path / "a" / "demo"), write_run(tmp_path / "b" / "demo")
    other = write_judged(tmp_path / "other", [program("a", 4)])
    labels = [row.label for row in pass_rate_table([a, other]).rows]
    assert labels == ["demo: base", "demo: base+btp", "other: model"]
    assert [row.run for row in pass_rate_table([a, b]).rows] == [str(a), str(a), str(b), str(b)]
    with pytest.raises(ValueError, match="given twice"):
        pass_rate_table([a, a / ".." / "demo"])


def test_unfinished_stages_are_named(tmp_path):
    run = write_run(tmp_path / "demo")
    shutil.rmtree(run / "judge-after" / "programs")
    write_part(run / "sample-before", "00000", pa.table({"problem_id": ["a"] * 10}))
    write_part(run / "sample-after", "00000", pa.table({"problem_id": ["a"] * 5}))
    (run / "judge-extra").mkdir()
    assert pass_rate_table([run]).notes == (
        "judge-before has judged 4 of 10 programs so far",
        "judge-after has judged 0 of 5 programs so far",
        "judge-extra has no programs yet",
    )


def test_unknown_difficulties_are_other(tmp_path):
    rows = [program("a", 4, difficulty=None), program("b", 0, difficulty="olympiad"), program("c", 2, difficulty="interview")]
    table = pass_rate_table([write_judged(tmp_path / "judged", rows)])
    assert table.columns == ("interview", "other", "all")
    assert means(table, "pass_rate")["model"] == {"interview": 0.5, "other": 0.5, "all": 0.5}
    alone = pass_rate_table([write_judged(tmp_path / "alone", rows[:2])])
    assert alone.columns == ("all",)  # a column `other` would only say the same again


def test_bad_folders_and_rows_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: no such folder"):
        pass_rate_table([tmp_path / "nowhere"])
    (tmp_path / "judge-before").mkdir()
    with pytest.raises(
        FileNotFoundError, match=r"looked for programs/part-\*.parquet .* or judge-\*/programs.*; no part is there yet of j"
    ):
        pass_rate_table([tmp_path])
    with pytest.raises(ValueError, match="no folder given"):
        pass_rate_table([])
    write_part(tmp_path / "sampled" / "programs", "00000", pa.table({"problem_id": ["a"]}))
    with pytest.raises(ValueError, match=r"part-00000.parquet: not the judge's programs, it has no column program_row, author"):
        pass_rate_table([tmp_path / "sampled"])
    with pytest.raises(ValueError, match=r"unknown verdict wrong; valid: pass, wrong_answer"):
        pass_rate_table([write_judged(tmp_path / "verdict", [program("a", 1, verdict="wrong")])])
    with pytest.raises(ValueError, match="problem a, program_row 0: tests_passed 5 of tests_total 4"):
        pass_rate_table([write_judged(tmp_path / "many", [program("a", 5)])])
    with pytest.raises(ValueError, match="tests_total 0"):
        pass_rate_table([write_judged(tmp_path / "untested", [program("a", 0, total=0)])])
    with pytest.raises(ValueError, match="hold no program"):
        pass_rate_table([write_judged(tmp_path / "empty", [])])
    (tmp_path / "text" / "programs").mkdir(parents=True)
    (tmp_path / "text" / "programs" / "part-00000.parquet").write_text("not Parquet, and long enough")
    with pytest.raises(ValueError, match=r"part-00000\.parquet: not a Parquet file"):
        pass_rate_table([tmp_path / "text"])


def test_an_empty_shard_changes_nothing(tmp_path):
    assert pass_rate_table([write_judged(tmp_path / "judged", [], [program("a", 4)])]).rows[0].cells["pass@1"]["all"].mean == 1
