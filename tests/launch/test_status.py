"""What the lines tell."""

from __future__ import annotations

import pytest

from launch.display import Display, duration
from launch.plan import Run, read_plan
from launch.progress import done_path, progress_path, write_json
from launch.queue import NOT_ASKED, SILENT, note
from launch.report import hours, status_lines
from launch.status import last_states, stage_status
from launch.submit_slurm import failed
from slurm import accounting
from slurm.accounting import TaskState
from tests.launch.toys import make_run, toy


def report(run, stage, shard, done, total, whole=False):
    row = {"done": done, "total": total, "unit": "steps", "started": 100.0, "updated": 110.0}
    write_json(progress_path(run, stage, shard), row)
    if whole:
        write_json(done_path(run, stage, shard), {"seconds": 12.0, "host": "h", "finished": 112.0})


def test_totals_of_shards_that_have_not_told_are_estimated(tmp_path):
    stage = toy("array", shards=4)
    run = make_run(tmp_path, stage)
    report(run, "array", 0, 9, 10, whole=True)
    report(run, "array", 1, 3, 10)
    row = stage_status(run, stage, {("array", 1): "submitted"})
    assert (row.state, row.shards_done, row.done, row.total, row.seconds) == ("running", 1, 13, 40, 22.0)
    assert row.fraction == pytest.approx(13 / 40)


@pytest.mark.parametrize(
    ("states", "told"),
    [
        ({}, "waiting"),
        ({0: "failed", 1: "submitted"}, "running"),
        ({0: "failed", 1: "done"}, "failed"),
        ({0: "cancelled"}, "stopped"),
    ],
)
def test_state(tmp_path, states, told):
    stage = toy("array", shards=2)
    run = make_run(tmp_path, stage)
    assert stage_status(run, stage, {("array", shard): state for shard, state in states.items()}).state == told


def test_submitted_and_then_killed_reads_as_stopped(tmp_path):
    run = make_run(tmp_path, toy("only"))
    (run / "jobs.jsonl").write_text('{"stage": "only", "shard": 0, "job_id": "1", "submitted": 1, "state": "submitted"}\n{"sta')
    assert last_states(run) == {("only", 0): "cancelled"}  # nobody drives it
    assert "stopped" in status_lines(run)[0]


def test_plain_lines_tell_changes_only(tmp_path, capsys):
    stage = toy("array", shards=2)
    run = make_run(tmp_path, stage, toy("after", ("array",)))
    with Display(run, (stage, toy("after", ("array",)))) as display:
        display.show({}, last=True)
        display.show({("array", 0): "submitted"}, last=True)
        report(run, "array", 0, 1, 10)
        display.show({("array", 0): "submitted"}, last=True)
        report(run, "array", 0, 10, 10, whole=True)
        report(run, "array", 1, 10, 10, whole=True)
        display.show({}, last=True)
        display.show({}, last=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[:2] for line in lines] == [["array", "running"], ["array", "done"]]
    assert "20/20 steps" in lines[1]
    assert "took 24 s over all tasks" in lines[1]


@pytest.mark.parametrize(("seconds", "told"), [(0.2, "0 s"), (59.6, "1:00 min"), (187, "3:07 min"), (3720, "1:02 h")])
def test_duration(seconds, told):
    assert duration(seconds) == told


def test_hours_are_told_of_what_started_and_their_use_of_what_ended():
    waits, runs = TaskState("1", "PENDING", cpus=4), TaskState("2", "RUNNING", elapsed_s=1800, cpus=4)
    ended = TaskState("3", "COMPLETED", elapsed_s=3600, cpu_s=1800, cpus=2, gpus=1)
    assert hours([waits]) == ""
    assert hours([waits, runs]) == "  2.00 CPU h"
    assert hours([ended, runs]) == "  4.00 CPU h (25% busy), 1.00 GPU h"


def on_slurm(run, shards):
    row = {"stage": "array", "submitted": 1.0, "state": "submitted", "cluster": "slurm", "mark": "m", "log": "/x/7_log.err"}
    note(run, [row | {"shard": i, "job_id": f"7_{i}"} for i in range(shards)])


def test_a_run_that_is_done_is_told_where_there_is_no_slurm(tmp_path, monkeypatch):
    run = make_run(tmp_path, toy("array", shards=1))
    on_slurm(run, 1)
    report(run, "array", 0, 10, 10, whole=True)
    monkeypatch.setenv("PATH", "/nowhere")
    told, notice = status_lines(run)
    assert "1/1 tasks  10/10 steps" in told
    assert notice == f"{SILENT}: scontrol does not run here: No such file or directory"


def test_a_run_is_told_and_tried_again_while_accounting_is_down(commands, tmp_path, monkeypatch, capsys):
    run = make_run(tmp_path, toy("array", shards=2))
    on_slurm(run, 2)
    report(run, "array", 0, 10, 10, whole=True)
    commands("scontrol", "echo 'AccountingStorageType = accounting_storage/slurmdbd'")
    commands("sacct", "echo Connection refused >&2; exit 1")
    monkeypatch.setattr(accounting, "PAUSE_S", 0.01)
    assert status_lines(run)[1:] == [f"  1 gone: {NOT_ASKED}", f"{SILENT}: sacct failed 6 times: Connection refused"]
    assert failed([Run(run, read_plan(run))]) == {(run, "array", 1)}
    assert f"launch: {SILENT}: sacct failed" in capsys.readouterr().err
