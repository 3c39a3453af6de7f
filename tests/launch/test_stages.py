"""One task by hand: done once, never twice at once, its errors told."""

from __future__ import annotations

import json
import os
import signal
import threading
import time

import pytest

from launch import stages
from launch.config import ConfigError
from launch.plan import Stage, to_json
from launch.progress import NotDoneError, Progress, done_path, progress_path, read_json, wait_for_shards, write_json
from launch.ranks import Place
from launch.stages import run_stage
from results.tables import Table
from tests.launch.toys import make_run, ran, start_task, toy, wait_until


def test_started_twice_it_runs_once(tmp_path):
    go = tmp_path / "go"
    run = make_run(tmp_path, toy("only", wait_for=str(go)))
    first = start_task(run, "only")
    wait_until(lambda: ran(run, "start"))
    second = start_task(run, "only")
    time.sleep(0.5)
    go.touch()
    assert first.communicate(timeout=30)[1] == ""
    out, err = second.communicate(timeout=30)
    assert "done before" in out
    assert f"waiting for process {first.pid} on" in err
    assert len(ran(run, "start")) == 1


def test_killed_it_hands_over_to_the_one_that_waits(tmp_path):
    go = tmp_path / "go"
    run = make_run(tmp_path, toy("only", wait_for=str(go)))
    first = start_task(run, "only")
    wait_until(lambda: ran(run, "start"))
    second = start_task(run, "only")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    wait_until(lambda: len(ran(run, "start")) == 2)
    go.touch()
    second.communicate(timeout=30)
    assert second.returncode == 0
    assert ran(run) == [("only", 0)]


def test_a_stage_that_raises_is_not_done(tmp_path):
    run = make_run(tmp_path, toy("only", fail=[0]))
    task = start_task(run, "only")
    _, err = task.communicate(timeout=30)
    assert task.returncode == 1
    assert "ZeroDivisionError" in err
    assert not done_path(run, "only", 0).exists()


@pytest.mark.parametrize(
    ("stage", "shard", "message"),
    [
        ("nope", 0, "its stages are only"),
        ("only", 2, "must be from 0 to 1"),
        ("odd", 0, "not one of sample, judge, finetune, sft, stepcoder, tables"),
    ],
)
def test_bad_task(tmp_path, stage, shard, message):
    run = make_run(tmp_path, toy("only", shards=2), toy("odd", kind="odd"))
    with pytest.raises(ConfigError, match=message):
        run_stage(run, stage, shard)


def test_a_stage_does_not_start_on_half_of_its_inputs(tmp_path):
    run = make_run(tmp_path, toy("before", shards=3), toy("after", ("before",)))
    for shard in (0, 2):
        write_json(done_path(run, "before", shard), {})
    task = start_task(run, "after")
    _, err = task.communicate(timeout=30)
    told = f"launch: error: {run}: stage 'before' is not done: 1 of 3 shards are missing, 1 first\n"
    assert (task.returncode, err) == (2, told)
    assert ran(run, "start") == []


def test_a_file_may_be_seen_late_on_another_node(tmp_path):
    run = make_run(tmp_path, toy("before"), toy("after", ("before",)))
    late = threading.Timer(1.0, write_json, [done_path(run, "before", 0), {}])
    late.start()
    wait_for_shards(run, "before", 1, 30.0)
    with pytest.raises(NotDoneError, match="1 of 2 shards are missing, 1 first"):
        wait_for_shards(run, "before", 2, 0.2)


def test_the_table_of_a_sweep_waits_for_late_files_and_tells_what_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setattr(stages, "LATE_S", 2.0)
    points = [tmp_path / name for name in ("p0", "p1")]
    for point in points:
        point.mkdir()
        (point / "plan.json").write_text(to_json((toy("before", shards=2), toy("tables", ("before",)))))
    write_json(done_path(points[0], "before", 0), {})
    threading.Timer(0.7, write_json, [done_path(points[0], "before", 1), {}]).start()
    table = Stage("all", "tables", (), outputs={"tables": "tables"}, options={"ks": [1], "runs": ["p0", "p1"]})
    made = []
    monkeypatch.setattr("results.tables.pass_rate_table", lambda runs, ks: made.append(runs) or Table((), (), (), ("a note",)))
    monkeypatch.setattr("results.render.render", lambda table, form: " ".join(table.notes))
    monkeypatch.setattr("results.plots.plot_table", lambda table, path: None)
    stages.tables(stages.Task(tmp_path, table, 0, lambda *_: None))
    assert made == [[points[0]]]
    assert (tmp_path / "tables" / "table.md").read_text() == "a note p1: is not judged whole, and left out"
    monkeypatch.delenv("SLURM_JOB_ID")
    done_path(points[0], "before", 1).unlink()
    with pytest.raises(RuntimeError, match="no point of this sweep is judged whole: p0; p1"):  # on one machine at once
        stages.tables(stages.Task(tmp_path, table, 0, lambda *_: None))


@pytest.mark.parametrize("rank", [0, 1])
def test_every_rank_waits_for_files_that_its_node_shows_late(tmp_path, monkeypatch, rank):
    run = make_run(tmp_path, toy("before"), toy("train", ("before",), resources="train"))
    monkeypatch.syspath_prepend(tmp_path / "toys")
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"SLURM_JOB_ID": "7", "SLURMD_NODENAME": "n1"})
    write_json(run / "train" / "_lock" / "0.ranks", {"life": "7.0", "address": "n1", "port": 1})
    threading.Timer(0.7, write_json, [done_path(run, "before", 0), {}]).start()
    run_stage(run, "train", 0, Place(rank, rank, 2, "7.0"))
    assert ran(run) == [("train", 0)]
    assert done_path(run, "before", 0).exists()


def test_no_run_directory(tmp_path):
    task = start_task(tmp_path, "only")
    _, err = task.communicate(timeout=30)
    assert task.returncode == 2
    assert err == f"launch: error: {tmp_path} is no run directory: it holds no plan.json\n"


def test_progress_writes_seldom_and_last(tmp_path):
    path = progress_path(tmp_path, "judge-train", 3)
    progress = Progress(path, "programs")
    seen = set()
    for done in range(1, 1001):
        progress(done, 1000)
        seen.add(path.read_text())
    assert len(seen) <= 3
    row = read_json(path)
    assert row is not None
    assert {key: row[key] for key in ("done", "total", "unit")} == {"done": 1000, "total": 1000, "unit": "programs"}
    assert row["started"] <= row["updated"]
    assert json.loads(path.read_text()) == row
