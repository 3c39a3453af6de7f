"""A site without slurmdbd: sacct knows nothing, the run directory and squeue must do."""

from __future__ import annotations

import os

import pytest

from launch import snapshot
from launch.plan import Run, read_plan
from launch.progress import done_path
from launch.queue import unfinished
from launch.report import NO_ACCOUNTS, status_lines
from launch.submit_slurm import cancel, failed, submit
from slurm import minicluster
from tests.conftest import need_packages
from tests.launch.test_submit_slurm import CLUSTER, sizes
from tests.launch.toys import make_run, ran, toy, wait_until


@pytest.fixture
def bare_cluster(tmp_path, tmp_path_factory, monkeypatch):
    """Two nodes of a cluster that keeps no accounts."""
    need_packages()
    folder = tmp_path_factory.mktemp("bare") / "c"
    environment = minicluster.up(folder, nodes=2, accounting=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path / "toys"))
    yield
    minicluster.down(folder)


def test_a_run_is_told_failed_tried_again_cancelled_and_done_without_accounting(bare_cluster, tmp_path):
    mended, go = tmp_path / "mended", tmp_path / "go"
    stages = (
        toy("array", shards=2, fail=[1], fail_until=str(mended)),
        toy("train", ("array",), resources="train", wait_for=str(go)),
        toy("other"),
    )
    path = make_run(tmp_path, *stages)
    snapshot.take(path)
    run = Run(path, read_plan(path))
    lines = lambda: "\n".join(status_lines(path))  # noqa: E731

    assert sizes(submit([run], CLUSTER)) == [("array", 2), ("train", 1), ("other", 1)]
    assert NO_ACCOUNTS in lines()
    wait_until(lambda: len([job for job in unfinished([path]) if job.state == "gone"]) == 2)  # one failed, one waited for it
    assert "1 gone: no longer in the queue, its work not done: it failed or was cancelled" in lines()
    assert "| ZeroDivisionError: the toy broke" in lines()
    assert failed([run]) == {(path, "array", 1), (path, "train", 0)}

    mended.touch()
    assert sizes(submit([run], CLUSTER)) == [("array", 1), ("train", 1)]
    wait_until(lambda: ("train", 0) in ran(path, "start"))
    assert cancel([path]) == 1
    wait_until(lambda: unfinished([path])[0].state == "gone")
    assert failed([run]) == set()
    go.touch()
    assert sizes(submit([run], CLUSTER)) == [("train", 1)]
    wait_until(lambda: done_path(path, "train", 0).exists())
    assert sorted(set(ran(path))) == [("array", 0), ("array", 1), ("other", 0), ("train", 0)]
    assert lines().count(" done ") == 3
