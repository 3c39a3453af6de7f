"""The driver with cheap stages, in real jobs of submitit's local executor."""

from __future__ import annotations

import json
import os
import shutil
import signal

from launch.progress import done_path, done_shards
from launch.report import status_lines
from launch.status import last_states
from tests.launch.toys import ROOT, alive, end, finish, make_run, ran, start, toy, wait_until, workers


def test_stages_run_in_order_and_a_second_start_does_nothing(tmp_path):
    run = make_run(tmp_path, toy("first", shards=3), toy("second", ("first",)), toy("beside"))
    status, err = finish(run)
    assert status == 0, err
    done = ran(run)
    assert sorted(done) == [("beside", 0), ("first", 0), ("first", 1), ("first", 2), ("second", 0)]
    assert max(done.index(("first", shard)) for shard in range(3)) < done.index(("second", 0))
    assert {"seconds", "host", "finished"} <= json.loads(done_path(run, "first", 2).read_text()).keys()
    jobs = [json.loads(line) for line in (run / "jobs.jsonl").read_text().splitlines()]
    assert all({"stage", "shard", "job_id", "submitted", "state"} <= job.keys() for job in jobs)
    assert set(last_states(run).values()) == {"done"}
    assert "second" in err
    assert finish(run)[0] == 0
    assert ran(run) == done
    assert len((run / "jobs.jsonl").read_text().splitlines()) == len(jobs)


def test_no_more_tasks_at_once_than_slots_and_one_that_wants_the_gpu(tmp_path):
    long = {"seconds": 0.4}
    run = make_run(
        tmp_path, toy("gpu-a", resources="gpu", **long), toy("gpu-b", resources="gpu", **long), toy("array", shards=4, **long)
    )
    status, err = finish(run, slots=2)
    assert status == 0, err
    now: list[str] = []
    for line in (run / "ran.log").read_text().splitlines():
        word, name, *_ = line.split()
        if word == "start":
            now.append(name)
            assert len(now) <= 2
            assert sum(name.startswith("gpu") for name in now) <= 1
        else:
            now.remove(name)


def test_driver_killed_then_started_again(tmp_path):
    """kill -9 of the driver: its tasks live on; the new driver does what is missing, and nothing twice."""
    go = tmp_path / "go"
    run = make_run(tmp_path, toy("before"), toy("array", ("before",), 4, wait_for=str(go)), toy("after", ("array",)))
    driver = start(run)
    wait_until(lambda: len(ran(run, "start")) == 3)
    driver.kill()
    driver.wait()
    assert ran(run) == [("before", 0)]
    assert any("running" in line and "array" in line for line in status_lines(run))
    second = start(run, slots=4)
    wait_until(lambda: len(ran(run, "start")) == 5)  # the missing shards; those of the orphans wait
    go.touch()
    status, err = end(second, run)
    assert status == 0, err
    assert sorted(ran(run)) == [("after", 0), *(("array", shard) for shard in range(4)), ("before", 0)]
    assert len(ran(run, "start")) == len(ran(run))


def test_killed_task_is_told_and_done_by_the_next_start(tmp_path):
    go = tmp_path / "go"
    run = make_run(tmp_path, toy("array", shards=2, wait_for=str(go)), toy("after", ("array",)))
    driver = start(run)
    wait_until(lambda: len(ran(run, "start")) == 2)
    os.kill(workers(run)[0], signal.SIGKILL)
    wait_until(lambda: "failed" in last_states(run).values())
    go.touch()
    status, err = end(driver, run)
    assert status == 1
    assert "SIGKILL" in err
    status, err = finish(run)
    assert status == 0, err
    assert sorted(ran(run)) == [("after", 0), ("array", 0), ("array", 1)]


def test_failure_stops_what_depends_on_it_and_names_the_log(tmp_path):
    run = make_run(
        tmp_path,
        toy("bad", shards=2, fail=[1]),
        toy("after", ("bad",)),
        toy("later", ("after",)),
        toy("other"),
        toy("next", ("other",)),
    )
    status, err = finish(run)
    assert status == 1
    assert "stage bad, shard 1 failed" in err
    assert "ZeroDivisionError: the toy broke: é" in err
    assert "not started because of it: after, later" in err
    assert "submitit" not in err.partition("whole log:")[0].partition("end of its log")[2]
    log = err.partition("whole log: ")[2].splitlines()[0]
    with open(log) as file:
        assert "ZeroDivisionError" in file.read()
    assert ("next", 0) in ran(run)
    assert not {"after", "later"} & {name for name, _ in ran(run, "start")}
    lines = {line.split()[0]: line for line in status_lines(run)}
    assert "failed" in lines["bad"]
    assert "waiting" in lines["after"]
    assert "done" in lines["next"]


def test_interrupt_cancels_the_tasks(tmp_path):
    for number in (signal.SIGINT, signal.SIGTERM):
        folder = tmp_path / number.name
        folder.mkdir()
        go = folder / "go"
        run = make_run(folder, toy("array", shards=2, wait_for=str(go)))
        driver = start(run)
        wait_until(lambda run=run: len(ran(run, "start")) == 2)
        driver.send_signal(number)
        status, err = end(driver, run)
        assert status == 130, err
        assert "Traceback" not in err
        wait_until(lambda run=run: not any(alive(pid) for pid in workers(run)), 5)
        assert set(last_states(run).values()) == {"cancelled"}
        assert "stopped" in status_lines(run)[0]
        go.touch()
        assert finish(run)[0] == 0


def test_two_drivers_of_one_run(tmp_path):
    go = tmp_path / "go"
    run = make_run(tmp_path, toy("only", wait_for=str(go)))
    driver = start(run)
    wait_until(lambda: ran(run, "start"))
    status, err = finish(run)
    assert status == 1
    assert f"process {driver.pid}" in err
    go.touch()
    assert end(driver, run)[0] == 0


def test_jobs_run_the_snapshot(tmp_path):
    """The live code changes while a run is under way: its later jobs do not see it."""
    live, go = tmp_path / "live", tmp_path / "go"
    for floor in ("launch", "slurm", "core", "sandbox"):
        (live / floor).mkdir(parents=True)
    for floor in ("launch", "slurm"):
        shutil.copytree(ROOT / floor, live / floor, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("core/__init__.py", "core/curriculum.py", "core/options.py", "sandbox/limits.py"):
        shutil.copyfile(ROOT / file, live / file)
    (live / "core" / "mark.py").write_text("VALUE = 'old'\n")
    run = make_run(tmp_path, toy("first", wait_for=str(go)), toy("second", ("first",), kind="toy_stages:mark", resources="gpu"))
    driver = start(run, 2, live)
    wait_until(lambda: ran(run, "start"))
    (live / "core" / "mark.py").write_text("VALUE = 'new'\n")
    go.touch()
    status, err = end(driver, run)
    assert status == 0, err
    assert (run / "mark").read_text() == "old 2 passive"
    assert done_shards(run, "second") == {0}
