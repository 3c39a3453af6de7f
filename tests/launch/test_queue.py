"""jobs.jsonl: what a kill, a signal or a full disk leaves of it."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
from functools import partial

import pytest

from launch.config import ClusterOptions
from launch.plan import Run, read_plan, to_json
from launch.queue import NOT_ASKED, note, rows, unfinished
from launch.submit_slurm import cancel, failed, submit
from launch.sweep import read_runs
from tests.launch.toys import ROOT, make_run, toy

ROW = {"stage": "a", "shard": 0, "job_id": "7_0"}
SUBMITS = """
import sys
from pathlib import Path
from launch.config import ClusterOptions
from launch.plan import Run, read_plan
from launch.submit_slurm import submit
run = Path(sys.argv[1])
submit([Run(run, read_plan(run))], ClusterOptions(kind="slurm"))
"""


def test_a_row_that_was_cut_short_costs_no_other(tmp_path):
    note(tmp_path, [ROW])
    with (tmp_path / "jobs.jsonl").open("a") as file:
        file.write(json.dumps(ROW | {"shard": 1})[:20])  # the disk was full
    note(tmp_path, [ROW | {"shard": 2}, ROW | {"shard": 3}])
    with (tmp_path / "jobs.jsonl").open("a") as file:
        file.write('{"stage": "a", "sh{"stage": "a"}\n')
    assert [row["shard"] for row in rows(tmp_path)] == [0, 2, 3]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_submission_that_is_told_to_end_is_written_down_first(commands, tmp_path, number):
    run = make_run(tmp_path, toy("array", shards=3), toy("after", ("array",)))
    commands("sbatch", f"kill -{int(number)} $PPID; sleep 0.2; echo Submitted batch job 7")
    heeded = partial(signal.signal, number, signal.SIG_DFL)  # tests may run under nohup
    ended = subprocess.run([sys.executable, "-c", SUBMITS, str(run)], cwd=ROOT, check=False, preexec_fn=heeded).returncode
    assert ended == -number
    assert [(row["job_id"], row["shard"]) for row in rows(run)] == [("7_0", 0), ("7_1", 1), ("7_2", 2)]


def test_jobs_that_cannot_be_written_down_are_cancelled(commands, tmp_path):
    run = make_run(tmp_path, toy("array", shards=3))
    commands("sbatch", f"mkdir {shlex.quote(str(run / 'jobs.jsonl'))}; echo Submitted batch job 7")
    with pytest.raises(IsADirectoryError):
        submit([Run(run, read_plan(run))], ClusterOptions(kind="slurm"))
    assert (tmp_path / "cancelled").read_text() == "7\n"


def test_what_was_cancelled_has_not_failed(commands, tmp_path):
    """Without accounting, or before it knows."""
    path = make_run(tmp_path, toy("array", shards=3), toy("after", ("array",)))
    run = Run(path, read_plan(path))
    row = {"stage": "array", "submitted": 1.0, "state": "submitted", "cluster": "slurm", "mark": "m", "log": "/x/7_log.err"}
    note(run.path, [row | {"shard": i, "job_id": f"7_{i}"} for i in range(3)])
    commands("squeue", 'for i in 0 1; do echo "7_$i|RUNNING|None|n1|0:05|m|/x/y.sh"; done')
    assert cancel([run.path]) == 2
    assert (tmp_path / "cancelled").read_text() == "7_0 7_1\n"
    assert [job.state for job in unfinished([run.path])] == ["running", "running", "gone"]  # until Slurm ends them
    commands("squeue", 'for i in 0 1; do echo "7_$i|COMPLETING|None|n1|0:05|m|/x/y.sh"; done')
    assert [job.told for job in unfinished([run.path])] == ["cancelled", "cancelled", NOT_ASKED]  # it may save for half a minute
    commands("squeue", "exit 0")
    assert [job.told for job in unfinished([run.path])] == ["cancelled", "cancelled", NOT_ASKED]
    assert failed([run]) == {(run.path, "array", 2), (run.path, "after", 0)}


def points_of_a_sweep(tmp_path, queue):
    """Two points, of which p0 judges for both, with a row for each (point, stage, job)."""
    make_run(tmp_path)
    sweep = tmp_path / "s"
    for name in ("p0", "p1"):
        (sweep / name).mkdir(parents=True)
        (sweep / name / "plan.json").write_text(to_json((toy("judge"), toy("train", ("judge",)))))
        (sweep / name / "code").symlink_to("../code")
    (sweep / "p1" / "judge").symlink_to("../p0/judge")
    (sweep / "plan.json").write_text(to_json((toy("all"),)))
    (sweep / "sweep.json").write_text(json.dumps({"points": ["p0", "p1"]}))
    more = {"shard": 0, "submitted": 1.0, "state": "submitted", "cluster": "slurm", "mark": "m", "log": "/x/7_log.err"}
    for name, stage, job in queue:
        note(sweep / name, [{"stage": stage, "job_id": job} | more])
    return read_runs(sweep)


def test_to_cancel_a_point_leaves_the_others_their_work(commands, tmp_path):
    (p0, p1), _ = points_of_a_sweep(tmp_path, [("p0", "judge", "7"), ("p0", "train", "8_0"), ("p1", "train", "8_1")])
    commands("squeue", 'for i in 7 8_0 8_1; do echo "$i|RUNNING|None|n1|0:05|m|/x/y.sh"; done')
    assert {job.key[:2] for job in unfinished([p1.path])} == {(p0.path, "judge"), (p1.path, "train")}
    assert cancel([p1.path]) == 1
    assert (tmp_path / "cancelled").read_text() == "8_1\n"
    assert [row["state"] for row in rows(p0.path)] == ["submitted"] * 2
    assert cancel([p0.path]) == 1  # the judging is p1's too
    assert cancel([p0.path, p1.path, p0.path.parent]) == 3  # Slurm is slow to forget them
    assert (tmp_path / "cancelled").read_text() == "8_1\n8_0\n7 8_0 8_1\n"


def test_the_table_of_a_sweep_that_grows_waits_for_the_points_that_are_queued(commands, tmp_path):
    (_, p1), table = points_of_a_sweep(tmp_path, [("p0", "judge", "7"), ("p0", "train", "8"), (".", "all", "9")])
    commands("squeue", 'for i in 7 8 9; do echo "$i|PENDING|None|n1|0:05|m|/x/y.sh"; done')
    commands("sbatch", "echo Submitted batch job 2$(date +%N)")
    told = submit([p1], ClusterOptions(kind="slurm"), table)
    assert [each.array.name for each in told] == ["train", "all"]
    assert told[1].after == f"afterany:8:{told[0].id}"
    assert (tmp_path / "cancelled").read_text() == "9\n"


def test_a_retry_replaces_a_job_that_looks_in_vain_for_what_failed(commands, tmp_path):
    (p0, p1), _ = points_of_a_sweep(tmp_path, [("p0", "judge", "7"), ("p0", "train", "8_0"), ("p1", "train", "8_1")])
    commands("squeue", 'for i in 8_0 8_1; do echo "$i|RUNNING|None|n1|0:05|m|/x/y.sh"; done')
    commands("sbatch", "echo Submitted batch job 2$(date +%N)")
    told = submit([p0, p1], ClusterOptions(kind="slurm"), None, failed([p0, p1]))
    assert [each.array.name for each in told] == ["judge", "train"]
    assert told[1].after == f"afterok:{told[0].id}"
    assert (tmp_path / "cancelled").read_text() == "8_0 8_1\n"


def test_a_retry_leaves_a_job_that_has_found_its_input_elsewhere(commands, tmp_path):
    """Where the files of what it needs are late to be seen here."""
    (p0, p1), _ = points_of_a_sweep(tmp_path, [("p0", "judge", "7"), ("p0", "train", "8_0"), ("p1", "train", "8_1")])
    commands("squeue", 'for i in 8_0 8_1; do echo "$i|RUNNING|None|n1|2:05|m|/x/y.sh"; done')
    commands("sbatch", "echo Submitted batch job 2$(date +%N)")
    told = submit([p0, p1], ClusterOptions(kind="slurm"), None, failed([p0, p1]))
    assert [each.array.name for each in told] == ["judge"]
    assert not (tmp_path / "cancelled").exists()
