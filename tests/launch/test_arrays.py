"""Arrays and what they wait for, worked out by hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from launch import submit_slurm
from launch.arrays import After, arrays_of, chunks, last_of_sweep, stage_names, stranded, up_to_date
from launch.config import ClusterOptions
from launch.plan import Run
from launch.progress import done_path, home, write_json
from launch.submit_slurm import _arrays, _parameters, dependency
from tests.launch.toys import toy

STAGES = (
    toy("shared"),
    toy("judge", ("shared",), 2),
    toy("train", ("judge",)),
    toy("after", ("train",), 2),
    toy("table", ("after",)),
)
POINTS = [Run(Path("/s") / name, STAGES) for name in "abc"]


def first_does(run: Path, stage: str) -> Path:
    return POINTS[0].path if stage in ("shared", "judge") else run


def nothing(run: Path, stage: str) -> set[int]:
    return set()


def told(arrays):
    return {
        each.name: ([(task.run.name, task.shards) for task in each.tasks], [(a.how, a.array) for a in each.after])
        for each in arrays
    }


def of_sweep(queued=(), most=1000, done=nothing, wanted=None):
    return arrays_of(POINTS, dict(queued), most, done, first_does, wanted)


def test_of_one_run_a_task_is_a_shard_and_waits_for_whole_stages():
    assert told(arrays_of(POINTS[:1], {}, 1000, nothing, lambda run, stage: run)) == {
        "shared": ([("a", (0,))], []),
        "judge": ([("a", (0,)), ("a", (1,))], [("afterok", "shared")]),
        "train": ([("a", (0,))], [("afterok", "judge")]),
        "after": ([("a", (0,)), ("a", (1,))], [("afterok", "train")]),
        "table": ([("a", (0,))], [("afterok", "after")]),
    }


def test_of_a_sweep_a_task_is_a_point_and_waits_for_its_own():
    points = [("a", (0,)), ("b", (0,)), ("c", (0,))]
    assert told(of_sweep()) == {
        "shared": ([("a", (0,))], []),
        "judge": ([("a", (0,)), ("a", (1,))], [("afterok", "shared")]),  # one run's: as wide as it has shards
        "train": (points, [("afterok", "judge")]),
        "after": ([(name, (0, 1)) for name in "abc"], [("aftercorr", "train")]),
        "table": (points, [("aftercorr", "after")]),
    }


def test_points_wait_for_all_where_their_tasks_have_other_numbers():
    """b is done with `after`, c's is queued: the numbers of table's tasks and of after's are not those of the same points."""
    done = {(Path("/s/b"), "after"): {0, 1}, (Path("/s/a"), "shared"): {0}, (Path("/s/a"), "judge"): {0, 1}}
    queued = {(Path("/s/c"), "after", 0): "77", (Path("/s/c"), "after", 1): "77"}
    queued |= {(POINTS[i].path, "train", 0): "76" for i in range(3)}
    found = told(of_sweep(queued, done=lambda run, stage: done.get((run, stage), set())))
    assert found == {
        "after": ([("a", (0, 1))], [("afterany", "76")]),
        "table": ([("a", (0,)), ("b", (0,)), ("c", (0,))], [("afterany", "77"), ("afterany", "after")]),
    }


def test_points_of_which_several_share_what_another_does_not_wait_for_its_end_well_or_not():
    """b shares with a, c does its own: a failure of one of the two must not stop the other's points."""

    def doer(run, stage):
        return POINTS[0].path if stage in ("shared", "judge") and run.name == "b" else run

    found = told(arrays_of(POINTS, {}, 1000, nothing, doer))
    assert found["judge"] == ([("a", (0, 1)), ("c", (0, 1))], [("aftercorr", "shared")])
    assert found["train"][1] == [("afterany", "judge")]
    assert found["after"][1] == [("aftercorr", "train")]
    assert told(arrays_of(POINTS[:2], {}, 1000, nothing, doer))["train"][1] == [("afterok", "judge")]  # of one run: all or none


def test_points_of_different_methods_do_not_wait_for_the_good_end_of_each_other():
    one = Run(Path("/s/a"), (toy("train"), toy("after", ("train",))))
    other = Run(Path("/s/b"), (toy("finetune"), toy("after", ("finetune",))))
    after = told(arrays_of([one, other], {}, 1000, nothing, lambda run, stage: run))["after"]
    assert after == ([("a", (0,)), ("b", (0,))], [("afterany", "train"), ("afterany", "finetune")])


def test_points_of_two_methods_have_tasks_of_other_numbers_than_what_some_of_them_need():
    trained = [Run(Path("/s") / name, (toy("train"), toy("after", ("train",)))) for name in "ab"]
    others = [Run(Path("/s") / name, (toy("finetune"), toy("after", ("finetune",)))) for name in "cd"]
    after = told(arrays_of([*trained, *others], {}, 1000, nothing, lambda run, stage: run))["after"]
    assert after == ([(name, (0,)) for name in "abcd"], [("afterany", "train"), ("afterany", "finetune")])


def test_what_waits_for_work_that_nobody_does_is_stranded():
    queued = {(Path("/s/a"), name, i) for name, i in (("judge", 0), ("train", 0), ("after", 0), ("after", 1))}
    queued |= {(Path("/s/b"), "after", 1)}
    done = {(Path("/s/a"), "shared"): {0}, (Path("/s/b"), "train"): {0}, (Path("/s/b"), "after"): {0}}

    def found(keys):
        return stranded(POINTS[:2], keys, lambda run, stage: done.get((run, stage), set()), first_does)

    assert found(queued) == {key for key in queued if key[0].name == "a" and key[1] != "judge"}  # half of judge is lost
    assert found({*queued, (Path("/s/a"), "judge", 1)}) == set()


def test_a_task_does_the_shards_that_are_missing():
    done = {(Path("/s/b"), "after"): {1}}
    assert told(of_sweep(done=lambda run, stage: done.get((run, stage), set())))["after"][0] == [
        ("a", (0, 1)),
        ("b", (0,)),
        ("c", (0, 1)),
    ]


def test_arrays_are_cut_to_the_size_that_the_site_allows():
    found = told(of_sweep(most=2))
    assert found["after"] == ([("a", (0, 1)), ("b", (0, 1))], [("aftercorr", "train")])
    assert found["after.2"] == ([("c", (0, 1))], [("afterok", "train.2")])  # one task is no array
    assert found["train.2"][1] == [("afterok", "judge")]
    assert list(chunks([], 2)) == []
    assert [len(chunk) for chunk in chunks(range(2100), 1000)] == [700] * 3


def test_arrays_of_one_stage_share_what_may_run_at_once():
    stage = toy("judge", (), 5)
    whole, *cut = (arrays_of([Run(Path("/s/a"), (stage,))], {}, most, nothing, lambda run, _: run) for most in (5, 2, 1))
    for given, expected in (({"array_parallelism": 4}, (4, 1, 1)), ({"array_parallelism": 9}, (9, 3, 1)), ({}, (None, 85, 51))):
        options = ClusterOptions(kind="slurm", cpu=given)
        found = [{_parameters(array, options).get("array_parallelism") for array in arrays} for arrays in (whole, *cut)]
        assert found == [{number} for number in expected]


@pytest.mark.parametrize(
    ("size", "parameters", "most"),
    [("1001", "(null)", 1000), ("1001", "bf_interval=1,max_array_tasks=100", 100), ("11", "max_array_tasks=100,defer", 10)],
)
def test_an_array_is_as_large_as_both_settings_allow(monkeypatch, size, parameters, most):
    settings = {"MaxArraySize": size, "SchedulerParameters": parameters}
    monkeypatch.setattr(submit_slurm, "setting", lambda name, tries: settings[name])
    assert submit_slurm.max_array_size() == most


def test_only_what_is_wanted():
    wanted = {(Path("/s/b"), "train", 0), (Path("/s/b"), "after", 1)}
    assert told(of_sweep(wanted=wanted)) == {"train": ([("b", (0,))], []), "after": ([("b", (1,))], [("afterok", "train")])}


def test_stages_of_different_methods_stand_after_what_any_of_them_needs():
    one = Run(Path("/s/a"), (toy("x"), toy("train", ("x",)), toy("after", ("train",))))
    other = Run(Path("/s/b"), (toy("y"), toy("finetune", ("y",)), toy("after", ("finetune",))))
    assert stage_names([one, other]) == ["x", "train", "y", "finetune", "after"]
    assert stage_names([one]) == ["x", "train", "after"]


def test_the_sweeps_table_waits_for_the_end_of_all_points_well_or_not():
    arrays = of_sweep()
    table = Run(Path("/s"), (toy("sweep-table"),))
    assert last_of_sweep(table, POINTS, arrays, {}).after == (After("afterany", "table"),)
    assert last_of_sweep(table, POINTS, [], {(Path("/s/a"), "table", 0): "9"}).after == (After("afterany", "9"),)


def test_a_sweeps_table_is_out_of_date_once_a_point_has_ended_since(tmp_path):
    points, table = [Run(tmp_path / name, STAGES) for name in "ab"], Run(tmp_path, (toy("sweep-table"),))
    assert not up_to_date(table, points)
    for path, seconds in ((points[0].path, 10), (tmp_path, 20)):
        done = done_path(path, "table" if path != tmp_path else "sweep-table", 0)
        write_json(done, {})
        os.utime(done, (seconds, seconds))
    assert up_to_date(table, points)  # b failed
    write_json(done_path(points[1].path, "table", 0), {})
    assert not up_to_date(table, points)


def test_a_sweeps_table_is_made_again_with_its_points_and_not_without(tmp_path):
    points, table = [Run(tmp_path / name, (toy("table"),)) for name in "ab"], Run(tmp_path, (toy("sweep-table"),))
    write_json(done_path(points[0].path, "table", 0), {})
    write_json(done_path(tmp_path, "sweep-table", 0), {})

    def submitted(queued=(), wanted=None):
        return told(_arrays(points, table, points, dict(queued), 1000, home, wanted))

    again = {"table": ([("b", (0,))], []), "sweep-table": ([(tmp_path.name, (0,))], [("afterany", "table")])}
    assert submitted() == again
    assert submitted(wanted=[(points[1].path, "table", 0)]) == again
    assert submitted(queued={(tmp_path, "sweep-table", 0): "5"}) == again  # it waits for what was submitted before
    assert submitted(queued={(points[1].path, "table", 0): "5"}) == {}
    assert submitted(wanted=[]) == {}  # what was cancelled stays so, and its table
    os.utime(done_path(points[0].path, "table", 0), (9e9, 9e9))  # resumed by itself
    assert list(submitted(queued={(points[1].path, "table", 0): "5"})) == ["sweep-table"]
    assert list(submitted(wanted=[(tmp_path, "sweep-table", 0)])) == ["sweep-table"]


def test_dependencies_as_sbatch_has_them():
    after = [After("afterok", "5"), After("aftercorr", "after"), After("afterok", "judge")]
    assert dependency(after, {"after": "7", "judge": "6"}) == "afterok:5:6,aftercorr:7"
    assert dependency([], {}) == ""
