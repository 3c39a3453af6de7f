"""Sweeps on a real Slurm: what stops what, and what is made again."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from launch import snapshot
from launch.plan import to_json
from launch.progress import done_path
from launch.queue import unfinished
from launch.report import log_lines
from launch.submit_slurm import failed, submit
from launch.sweep import read_runs
from tests.launch.test_submit_slurm import CLUSTER, TEXT, lines, sizes
from tests.launch.toys import make_run, ran, toy, wait_until


@pytest.fixture
def sweep(cluster, tmp_path, monkeypatch):
    """Lays out a sweep of toys: points' stages by name, and (stage, point that does it) of those that share one."""
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "toys"))

    def lay_out(points, shares):
        folder = tmp_path / "s"
        for name, stages in points.items():
            (folder / name).mkdir(parents=True)
            (folder / name / "plan.json").write_text(to_json(stages))
            (folder / name / "code").symlink_to("../code")
        for name, (stage, doer) in shares.items():
            (folder / name / stage).symlink_to(f"../{doer}/{stage}")
        make_run(tmp_path)
        snapshot.take(folder)
        (folder / "plan.json").write_text(to_json((toy("all"),)))
        (folder / "sweep.json").write_text(json.dumps({"points": list(points)}))
        return read_runs(folder)

    return lay_out


def test_points_of_a_sweep_wait_for_their_own_point_alone(sweep, tmp_path, cluster):
    go, points = tmp_path / "go", {}
    for i in range(6):
        options = [{"wait_for": str(go)}, *({"fail": [0], "fail_until": str(tmp_path / f"mended{i}")} for i in (1, 2)), {}][
            min(i, 3)
        ]
        points[f"p{i}"] = (
            toy("shared"),
            toy("train", ("shared",), **options),
            toy("after", ("train",), 2),
            toy("table", ("after",)),
        )
    runs, table = sweep(points, dict.fromkeys(list(points)[1:], ("shared", "p0")))
    told = submit(runs, CLUSTER, table)
    assert sizes(told) == [("shared", 1), ("train", 6), ("after", 6), ("table", 6), ("all", 1)]
    shared, train, after, tables, _ = (each.id for each in told)
    assert [each.after for each in told] == [
        "",
        f"afterok:{shared}",
        f"aftercorr:{train}",
        f"aftercorr:{after}",
        f"afterany:{tables}",
    ]
    of_slurm = subprocess.run(["squeue", "-hr", "-j", after, "-o", "%K %E"], env={**os.environ, **cluster}, **TEXT)
    assert f"aftercorr:{train}_*(unfulfilled)" in of_slurm.stdout
    point = [run.path for run in runs]
    wait_until(lambda: all(done_path(path, "table", 0).exists() for path in point[3:]))
    assert not done_path(point[0], "train", 0).exists()  # the others did not wait for it
    assert not done_path(table.path, "all", 0).exists()  # but their table does
    wait_until(lambda: "2 gone: cancelled" in lines(tmp_path / "s"))  # tasks of `after` that waited for p1's and p2's training
    assert "p1, shard 0" in lines(tmp_path / "s")
    assert "ZeroDivisionError" in "\n".join(log_lines(tmp_path / "s", "train", None))
    keys = {(path, *rest) for path in point[1:3] for rest in (("train", 0), ("after", 0), ("after", 1), ("table", 0))}
    assert failed([*runs, table]) == keys
    (tmp_path / "mended1").touch()
    told = submit(runs, CLUSTER, table, {key for key in keys if key[0] == point[1]})
    again = [("train", 1), ("after", 1), ("table", 1), ("all", 1)]
    assert sizes(told) == again
    assert told[-1].after == f"afterany:{tables}_0:{told[-2].id}"  # no more for those that it waited for
    wait_until(lambda: done_path(point[1], "table", 0).exists())
    go.touch()
    wait_until(lambda: done_path(table.path, "all", 0).exists())
    assert done_path(point[0], "table", 0).exists()
    assert (point[2] / "train" / "_done").exists() is False
    (tmp_path / "mended2").touch()
    assert sizes(submit(runs, CLUSTER, table, failed([*runs, table]))) == again
    wait_until(lambda: ran(table.path).count(("all", 0)) == 2)  # made again, of all points now
    assert done_path(point[2], "table", 0).exists()
    assert submit(runs, CLUSTER, table) == []
    assert log_lines(tmp_path / "s", "all", None)[0].endswith("_log.err")
    assert [
        (path.parent.parent.parent.name)
        for path in (tmp_path / "s").glob("p*/shared/_done/0.json")
        if not path.parent.parent.is_symlink()
    ] == ["p0"]


def test_shared_work_that_fails_stops_only_the_points_that_share_it(sweep, tmp_path):
    """p0 and p1 share what p0 does, p2 and p3 what p2 does; p4 shares nothing."""
    go, mended = tmp_path / "go", tmp_path / "mended"
    options = {"p0": {"wait_for": str(go)}, "p2": {"fail": [0], "fail_until": str(mended)}, "p4": {"fail": [0]}}
    points = {f"p{i}": (toy("judge", **options.get(f"p{i}", {})), toy("train", ("judge",))) for i in range(5)}
    runs, table = sweep(points, {"p1": ("judge", "p0"), "p3": ("judge", "p2")})
    code = tmp_path / "s" / "code" / "launch" / "stages.py"
    code.write_text(code.read_text().replace("LATE_S = 120.0", "LATE_S = 1.0"))
    told = submit(runs, CLUSTER, table)
    assert sizes(told) == [("judge", 3), ("train", 5), ("all", 1)]
    judge = told[0].id
    assert told[1].after == f"afterany:{judge}"
    path = [run.path for run in runs]
    wait_until(lambda: {(path[2], "judge", 0), (path[4], "judge", 0)} <= failed(runs))

    mended.touch()
    wanted = {key for key in failed(runs) if key[0] in path[2:4]}
    told = submit(runs, CLUSTER, table, wanted)  # p2's and p3's tasks wait for it instead, not for the end of p0's
    assert sizes(told) == [("judge", 1), ("train", 2), ("all", 1)]
    assert told[1].after == f"afterok:{told[0].id}"
    wait_until(lambda: all(done_path(each, "train", 0).exists() for each in path[2:4]))

    subprocess.run(["scontrol", "requeue", f"{judge}_0"], check=True)  # such an end is none
    wait_until(lambda: ran(path[0], "start").count(("judge", 0)) == 2)
    assert {job.state for job in unfinished(path) if job.stage == "train"} == {"waiting"}
    go.touch()
    wait_until(lambda: all(done_path(each, "train", 0).exists() for each in path[:4]))
    wait_until(lambda: "gone" in {job.state for job in unfinished(path) if job.key == (path[4], "train", 0)})
    assert ran(path[4]) == []
    assert "stage 'judge' is not done" in lines(tmp_path / "s")
    wait_until(lambda: ran(table.path) == [("all", 0)])
