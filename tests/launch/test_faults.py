"""An experiment on a real Slurm, hit at three random moments by one fault, ends in the rows and the table of an unbroken one.

Each hit waits for a task of a given stage to run, then for a random time or step; it counts only if Slurm shows it. Deselected
unless asked for: `pytest -m faults`. FAULTS_SEED repeats the moments of a failure.
"""

from __future__ import annotations

import os
import random
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from launch.queue import array_of, rows, unfinished
from launch.submit_slurm import cancel
from slurm.accounting import SchedulerError, accounted
from tests.launch import faults, small_experiment
from tests.launch.faulted import MOMENTS, SEED, Fault, Faulted, hit, moment
from tests.launch.whole import write_model

pytestmark = [pytest.mark.faults, pytest.mark.slow]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def start(cluster, model, tmp_path_factory):
    """Makes a run, submits it, and gives it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
        patch.setenv("OMP_NUM_THREADS", "1")

        def begin(name: str, submit: bool = True, **more: object) -> Faulted:
            run = small_experiment.make(tmp_path_factory.mktemp(name) / "run", model)
            it = Faulted(run, small_experiment.cluster(**more), random.Random(f"{SEED} {name}"))
            if submit:
                it.submit()
            return it

        yield begin


@pytest.fixture(scope="module")
def unbroken(start) -> dict[str, list]:
    it = start("unbroken")
    it.until(it.whole)
    rows = small_experiment.rows(it.run)
    assert len(set(rows["judge-before/programs"])) == small_experiment.JUDGED
    assert len({row.split(",")[3] for row in rows["judge-before/programs"]}) > 1, (
        "all verdicts alike: the tests would see nothing"
    )
    assert len(rows["train/steps"]) == small_experiment.STEPS
    return rows


def end(it: Faulted, unbroken: dict[str, list], submitted: int = 1) -> None:
    """The run ends, without being submitted again, in the rows of the unbroken one."""
    it.until(it.whole)
    found = small_experiment.rows(it.run)
    for name, those in unbroken.items():
        assert found[name] == those, f"{name} differs. {it.told()}"
    assert it.submitted == submitted


def hit_thrice(it: Faulted, fault: Fault | dict[str, Fault], unbroken: dict[str, list]) -> Faulted:
    for when in MOMENTS:
        hit(it, fault[when] if isinstance(fault, dict) else fault, when)
    end(it, unbroken)
    return it


ONE_JOB: dict[str, Fault] = {
    "requeue": faults.requeue,
    "time-limit": faults.time_limit,
    "killed": faults.crash(signal.SIGKILL),
    "crashed": faults.crash(signal.SIGSEGV),
}


@pytest.fixture(scope="module")
def at_once(start, unbroken, request):
    """The runs whose fault hits one job only, on the cluster together; each test waits for its own."""
    selected = {item.callspec.params.get("name") for item in request.session.items if hasattr(item, "callspec")}
    runs = {name: start(name) for name in ONE_JOB if name in selected}
    with ThreadPoolExecutor(len(runs)) as pool:
        yield {name: pool.submit(hit_thrice, it, ONE_JOB[name], unbroken) for name, it in runs.items()}


@pytest.mark.parametrize("name", ONE_JOB)
def test_a_fault_of_one_job(at_once: dict[str, Future[Faulted]], name):
    it = at_once[name].result()
    assert len(it.hits) >= len(MOMENTS)


def test_cancelled_and_resumed(start, unbroken):
    it = start("cancel")
    for when in MOMENTS:
        task = moment(it, when)
        assert cancel([it.run]) > 0
        until = time.monotonic() + faults.SEEN_S
        while any(job.state != "gone" for job in unfinished([it.run])) and time.monotonic() < until:
            time.sleep(0.2)
        it.submit()  # while what was cancelled may still save
        while faults.shown(task.name)["JobState"] == "COMPLETING" and time.monotonic() < until:
            time.sleep(0.2)
        assert faults.shown(task.name)["JobState"] == "CANCELLED", it.told()  # and not raised from the dead
    end(it, unbroken, submitted=4)


@pytest.mark.parametrize("grace", [20, 0])
def test_preempted(start, unbroken, grace):
    faults.slurm("scontrol", "update", "PartitionName=low", f"GraceTime={grace}")
    try:
        hit_thrice(start(f"preempt-{grace}", partition="low"), faults.preempt, unbroken)
    finally:
        faults.slurm("scontrol", "update", "PartitionName=low", "GraceTime=20")


def test_nodes_die(start, unbroken, cluster):
    folder = Path(cluster["SLURM_CONF"]).parent
    first, last = faults.kill_node(folder, 0, told=True), faults.kill_node(folder, -1, told=False)
    hit_thrice(start("nodes"), dict(zip(MOMENTS, (first, first, last), strict=True)), unbroken)


def test_the_controller_dies(start, unbroken, cluster):
    """While jobs run. Slurm saves its queue every few seconds: what it was given since would be lost.

    Where it forgot a start that still runs, it holds the job, and somebody has to release it.
    """
    folder = Path(cluster["SLURM_CONF"]).parent
    it = start("controller")
    it.administered = True
    faults.saved_queue(folder, time.time())
    for when in MOMENTS:
        moment(it, when)
        faults.kill_controller(folder)
    end(it, unbroken)


def test_the_controller_forgets_that_it_started_the_training(start, unbroken, cluster):
    """It starts it once more, not told apart by Slurm: where rank 0 of the first start was to be found, nobody is."""
    folder = Path(cluster["SLURM_CONF"]).parent
    it = start("forgotten")
    job = next(row["job_id"] for row in rows(it.run) if row["stage"] == "train")
    faults.slurm("scontrol", "hold", job)
    it.until(lambda: it.whole("judge-before"))
    queue = faults.saved_queue(folder, time.time())
    faults.slurm("scontrol", "release", job)
    task = it.target("train")
    assert task is not None
    it.until(lambda: list(it.run.rglob("0.ranks")))
    faults.forget(folder, queue, task.nodes)
    faults.slurm("scontrol", "release", job)  # in the queue that was saved it is held
    assert faults.shown(job)["Restarts"] == "0"
    end(it, unbroken)


def test_the_controller_dies_while_it_is_given_the_run(start, unbroken, cluster):
    """It forgets jobs that it had taken, and gives their ids to others: the same command again submits what is lost.

    A lost job that still runs when another one gets its id keeps that one from starting, until somebody releases it.
    """
    folder = Path(cluster["SLURM_CONF"]).parent
    it = start("submission", submit=False)
    it.by_hand = it.administered = True
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(lambda: (time.sleep(it.moments.uniform(0, 1)), faults.kill_controller(folder)))
        with suppress(SchedulerError):
            it.submit()
        killed.result()
    it.submit()
    end(it, unbroken, it.submitted)


def test_a_tenth_of_all_calls_fails(start, unbroken, tmp_path, monkeypatch):
    it = start("flaky", submit=False)
    failed = faults.flaky(tmp_path, it.moments)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    it.submit()
    for when in MOMENTS:
        hit(it, faults.told_to_end, when)
    end(it, unbroken)
    jobs = {row["job_id"] for row in rows(it.run)}
    assert all(len(accounted(jobs, time.time() - 3600) or {}) >= len(jobs) for _ in range(10))
    assert set(failed()) == set(faults.CALLS), failed()
    assert faults.submitted(it.run) == {array_of(job) for job in jobs}, "a submission was doubled"
