"""Points of a sweep, and what they share."""

from __future__ import annotations

import json
import os

import pytest

from launch import commands, snapshot
from launch.commands import drive
from launch.compose import compose
from launch.config import ClusterOptions, ConfigError
from launch.plan import to_json
from launch.prepare import SWEEP
from launch.prepare import prepare as prepare_run
from launch.progress import done_path, home
from launch.report import log_lines, status_lines
from launch.sweep import combinations, composed, described, prepare, read_runs
from tests.launch.toys import environment, make_run, ran, toy


def names(*overrides):
    return list(combinations(overrides))


def test_every_combination_is_a_point():
    assert names("experiment=demo", "seed=1,2", "method.replay.weight=0,0.5") == [
        "seed=1,weight=0",
        "seed=1,weight=0.5",
        "seed=2,weight=0",
        "seed=2,weight=0.5",
    ]
    assert names("seed=range(3)") == ["seed=0", "seed=1", "seed=2"]


def test_names_tell_keys_apart_and_are_fit_for_folders():
    assert names("method.sft.epochs=1,2", "method.warmup.epochs=3,4")[0] == "method.sft.epochs=1,method.warmup.epochs=3"
    assert names("model.path=a/b,c/d") == ["path=a_b", "path=c_d"]


def test_what_is_no_list_of_values_is_left_alone():
    assert combinations(["seed=1,2", "tables.ks=[1,5]", "data.train.name=/a b/c"])["seed=1"] == (
        "seed=1",
        "tables.ks=[1,5]",
        "data.train.name=/a b/c",
    )


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["seed=1"], "no key has several values"),
        (["seed=1,2", "run_dir=a,b"], "run_dir must be the same"),
        (["cluster=local,slurm"], "cluster must be the same"),
        (["model.path=a/b,a?b"], "path=a_b comes twice"),
        (["seed=glob(*)"], "seed="),
    ],
)
def test_bad_sweeps(overrides, told):
    with pytest.raises(ConfigError, match=told):
        combinations(overrides)


@pytest.fixture
def sweep(tmp_path):
    return composed(["experiment=demo", f"run_dir={tmp_path / 's'}", "seed=1,2", "method.replay.weight=0,0.5"])


def test_points_share_what_does_not_depend_on_what_is_swept(sweep):
    homes = sweep.homes()
    folder = sweep.folder
    for stage, shared in (("sample-train", True), ("judge-before", True), ("finetune", False), ("tables", False)):
        assert (homes[folder / "seed=1,weight=0.5", stage] == folder / "seed=1,weight=0") == shared, stage
        assert homes[folder / "seed=2,weight=0", stage] == folder / "seed=2,weight=0", stage  # a seed moves all
    assert "judge-train    once for each of 2\n" in described(sweep)
    assert "finetune       once for each of 4\n" in described(sweep)


def test_a_point_is_a_run_directory_with_links_to_what_it_shares(sweep):
    runs, table = prepare(sweep)
    first, second = runs[0].path, runs[1].path
    assert [run.path.name for run in runs] == list(sweep.points)
    assert home(second, "sample-train") == first
    assert home(second, "finetune") == second
    assert os.readlink(second / "sample-train") == f"../{first.name}/sample-train"
    assert (second / "code" / "launch" / "plan.py").exists()
    assert (second / "code").is_symlink()
    assert (second / "problems" / "test.jsonl.gz").read_bytes() == (first / "problems" / "test.jsonl.gz").read_bytes()
    assert table.stages[0].options["runs"] == list(sweep.points)
    assert prepare(sweep)[0] == runs
    assert read_runs(sweep.folder) == (runs, table)
    assert read_runs(second) == ([runs[1]], None)


def test_links_do_not_lead_in_a_circle_where_values_come_in_another_order(sweep):
    prepare(sweep)
    turned = composed(["experiment=demo", f"run_dir={sweep.folder}", "seed=1,2", "method.replay.weight=0.5,0"])
    runs, _ = prepare(turned)
    first = sweep.folder / "seed=1,weight=0"
    assert {home(run.path, "sample-train") for run in runs[:2]} == {first}
    assert not (first / "sample-train").is_symlink()


def test_a_sweep_grows_and_keeps_what_is_done(sweep):
    runs, table = prepare(sweep)
    done_path(runs[0].path, "sample-train", 0).parent.mkdir(parents=True)
    done = done_path(table.path, "sweep-table", 0)
    done.parent.mkdir(parents=True)
    done.touch()
    grown = composed(["experiment=demo", f"run_dir={sweep.folder}", "seed=1,2", "method.replay.weight=0.25,0"])
    (new, old, *_), table = prepare(grown)
    assert home(new.path, "sample-train") == old.path == runs[0].path  # it has begun, though it stands second
    assert table.stages[0].options["runs"] == [*sweep.points, "seed=1,weight=0.25", "seed=2,weight=0.25"]
    assert not done.exists()
    assert len(json.loads((sweep.folder / SWEEP).read_text())["points"]) == 6


def test_points_that_share_a_stage_change_its_options_together(sweep):
    given = ["experiment=demo", f"run_dir={sweep.folder}", "method.test_decoding.temperature=0.2,0.8"]
    first, second = (run.path for run in prepare(composed(given))[0])
    assert home(second, "finetune") == first
    before = (second / "plan.json").read_text()
    more = "method.sft.checkpoint_every_steps=7"
    with pytest.raises(ConfigError, match=r"temperature=0.8 shares stage 'finetune' with temperature=0.2: change both alike"):
        prepare(composed([*given[:2], "method.test_decoding.temperature=0.8,1.0", more]))
    for point, value in ((first, "0.2"), (second, "0.8")):
        with pytest.raises(ConfigError, match=r"shares stage 'finetune' with other points of its sweep: .* --multirun"):
            prepare_run(compose(["experiment=demo", f"run_dir={point}", f"method.test_decoding.temperature={value}", more]))
    assert (second / "plan.json").read_text() == before
    runs, _ = prepare(composed([*given, more]))
    assert [run.stages for run in runs] == [read_runs(run.path)[0][0].stages for run in runs]
    assert '"checkpoint_every_steps": 7' in (second / "plan.json").read_text()


def test_a_point_may_change_what_it_does_for_itself_alone(sweep):
    second = prepare(sweep)[0][1].path
    given = ["experiment=demo", f"run_dir={second.parent}/../s/{second.name}", "seed=1", "method.replay.weight=0.5"]
    found = prepare_run(compose([*given, "method.sft.micro_batch_size=1"]))  # after its GPU ran out of memory, say
    assert found == read_runs(second)[0][0]
    assert '"micro_batch_size": 1' in (second / "plan.json").read_text()


def test_a_sweep_is_the_same_by_another_way_to_it(sweep):
    runs, _ = prepare(sweep)
    more = ["seed=1,2", "method.replay.weight=0,0.5", "method.sft.checkpoint_every_steps=7"]
    again, _ = prepare(composed(["experiment=demo", f"run_dir={sweep.folder}/../s", *more]))
    assert [run.path for run in again] == [run.path for run in runs]


def test_on_this_machine_points_are_done_one_after_the_other_and_what_they_share_once(tmp_path, monkeypatch, capsys):
    for name, value in environment(tmp_path / "x").items():
        monkeypatch.setenv(name, value)
    make_run(tmp_path)
    folder = tmp_path / "s"
    mended = tmp_path / "mended"
    for name, fails in (("p0", []), ("p1", [0])):
        (folder / name).mkdir(parents=True)
        stages = (toy("shared"), toy("own", ("shared",), fail=fails, fail_until=str(mended)), toy("after", ("own",)))
        (folder / name / "plan.json").write_text(to_json(stages))
        (folder / name / "code").symlink_to("../code")
    (folder / "p1" / "shared").symlink_to("../p0/shared")
    snapshot.take(folder)
    (folder / "plan.json").write_text(to_json((toy("all"),)))
    (folder / SWEEP).write_text(json.dumps({"points": ["p0", "p1"]}))
    runs, table = read_runs(folder)
    assert drive(runs, ClusterOptions(cpu_slots=2), table, "again") == 1
    assert ran(folder / "p0") == [("shared", 0), ("own", 0), ("after", 0)]
    assert ran(folder / "p1") == []  # its own failed, the shared one was done
    assert ran(folder) == [("all", 0)]
    told = capsys.readouterr().err
    assert "launch: point 2 of 2: p1\n" in told
    assert "ZeroDivisionError" in told
    lines = status_lines(folder)
    assert [line.split()[:2] for line in lines] == [["shared", "done"], ["own", "failed"], ["after", "waiting"], ["all", "done"]]
    assert "1/2 tasks" in lines[1]
    assert drive(runs, ClusterOptions(cpu_slots=2), table, "again") == 1
    assert ran(folder) == [("all", 0)]  # nothing has ended since the table was made
    mended.touch()
    monkeypatch.setattr(commands, "_print_table", lambda *_: None)  # toys have none
    assert drive(runs, ClusterOptions(cpu_slots=2), table, "again") == 0
    assert ran(folder / "p1") == [("own", 0), ("after", 0)]
    assert ran(folder) == [("all", 0), ("all", 0)]  # of both points now
    assert str(folder / "logs" / "all") in log_lines(folder, "all", None)[0]


def test_a_run_is_not_turned_into_a_sweep(sweep):
    sweep.folder.mkdir()
    (sweep.folder / "plan.json").write_text("[]")
    with pytest.raises(ConfigError, match="is a run, not a sweep"):
        prepare(sweep)
    assert [path.name for path in sweep.folder.iterdir()] == ["plan.json"]
