"""A task that is started again and again without getting further fails with one error; one that gets further never does."""

from __future__ import annotations

import pytest

from launch import lives
from launch.lives import Life, StuckError, begin, next_life, parts_in, step_in
from launch.progress import read_json, write_json


def start(tmp_path, restart, job="7"):
    environment = {"SLURM_JOB_ID": job, "SLURM_RESTART_COUNT": str(restart)}
    begin(tmp_path / "_lives" / "0.json", "train 0", [tmp_path / "train", tmp_path / "model"], environment)


def test_restarts_that_find_nothing_new_are_counted():
    first = next_life(None, "7", 0, parts=0, step=0)
    assert first == Life("7", 0, 0, 0, 0)
    second = next_life(first, "7", 1, parts=0, step=0)
    assert second.idle == 1
    assert next_life(second, "7", 2, parts=1, step=0).idle == 0
    assert next_life(second, "7", 2, parts=0, step=2).idle == 0
    assert next_life(second, "8", 2, parts=0, step=0).idle == 0  # submitted again
    assert next_life(second, "7", 0, parts=0, step=0).idle == 0  # ids come again


def test_work_that_is_done_again_is_not_new():
    more = next_life(next_life(None, "7", 0, parts=3, step=4), "7", 1, parts=2, step=4)
    assert (more.parts, more.idle) == (3, 1)
    assert next_life(more, "7", 2, parts=3, step=4).idle == 2


def test_a_task_that_gets_nowhere_fails_with_what_to_look_at(tmp_path):
    for restart in range(lives.MOST):
        start(tmp_path, restart)
    with pytest.raises(
        StuckError, match=r"train 0: job 7 was started 6 times, its last 5 restarts found nothing new, only 0 whole parts"
    ):
        start(tmp_path, lives.MOST)
    start(tmp_path, 0, job="8")


def test_a_task_that_saves_now_and_then_goes_on(tmp_path):
    for restart in range(4 * lives.MOST):
        if restart % lives.MOST == 0:
            write_json(tmp_path / "train" / "resume" / "latest.json", {"step": restart + 1})
        start(tmp_path, restart)


def test_what_lasts(tmp_path):
    assert (parts_in(tmp_path), step_in(tmp_path)) == (0, 0)
    names = ("steps/part-0", "rollouts/part-0", "resume/x/part-0", "_part-0", "part-0", "tests/part-0", "programs/part-1")
    for name in names:
        (tmp_path / f"{name}.parquet").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"{name}.parquet").touch()
    assert parts_in(tmp_path) == 3
    (tmp_path / "config.json").touch()
    assert parts_in(tmp_path) == 4
    write_json(tmp_path / "resume" / "latest.json", {"step": 6, "tag": "step-000006"})
    assert step_in(tmp_path) == 6


def test_jobs_are_told_apart_and_no_job_is_none(tmp_path):
    file, environment = tmp_path / "task", {"SLURM_JOB_ID": "9", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}
    begin(file, "train 0", [], environment)
    assert read_json(file) == {"job": "7_2", "restart": 0, "parts": 0, "step": 0, "idle": 0}
    begin(file, "train 0", [], {"SLURM_JOB_ID": "9", "SLURM_RESTART_COUNT": "3"})
    assert read_json(file) == {"job": "9", "restart": 3, "parts": 0, "step": 0, "idle": 0}
    begin(tmp_path / "file", "train 0", [], {})
    assert not (tmp_path / "file").exists()
