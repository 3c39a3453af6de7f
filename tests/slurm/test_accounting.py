"""What squeue and sacct print, and what becomes of it."""

import subprocess
import time

import pytest

from slurm import accounting
from slurm.accounting import SchedulerError, ask, in_words, lives, queued, seconds, tasks_of
from slurm.submission import marked
from tests.launch.toys import wait_until


@pytest.mark.parametrize(
    ("text", "told"), [("1:30", 90), ("2-01:00:00", 176400), ("00:01.250", 1.25), ("", 0), ("INVALID", 0), ("12:34:56", 45296)]
)
def test_times(text, told):
    assert seconds(text) == told


def test_tasks_that_never_started_share_a_row():
    assert tasks_of("12") == ["12"]
    assert tasks_of("12_7") == ["12_7"]
    assert tasks_of("12_[0-2,5,8-9%4]") == [f"12_{i}" for i in (0, 1, 2, 5, 8, 9)]


def test_reasons():
    assert in_words("(Dependency)") == "waits for another stage"
    assert in_words("SomethingNew") == "SomethingNew"


def test_a_call_that_fails_is_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(accounting, "PAUSE_S", 0.01)
    flaky = f"echo x >> {tmp_path}/calls; test $(wc -l < {tmp_path}/calls) -ge 3 && echo there || {{ echo down >&2; exit 1; }}"
    assert ask(["sh", "-c", flaky]) == "there\n"
    with pytest.raises(SchedulerError, match="sh failed 6 times: down"):
        ask(["sh", "-c", "echo down >&2; exit 1"])


@pytest.fixture
def hidden(tmp_path, monkeypatch):
    """A squeue that knows jobs of a hidden partition, one in each of some states, and hears its user's defaults."""
    states = ("RUNNING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING", "NEW_IN_SLURM_99", "PENDING", "COMPLETED", "TIMEOUT")
    rows = "\n".join(f"7_{i}|{state}|None|n1|0:05|stepbatch-x" for i, state in enumerate(states))
    script = f"""#!/bin/sh
        test -z "$SQUEUE_PARTITION$SLURM_CLUSTERS" || exit 0
        case "$2" in -a*) ;; *) exit 0 ;; esac
        test "$4" = "%F|%k" && echo "7|stepbatch-x" || echo "{rows}"
    """
    (tmp_path / "squeue").write_text(script)
    (tmp_path / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SQUEUE_PARTITION", "gpu")
    monkeypatch.setenv("SLURM_CLUSTERS", "other")  # sbatch is not told of it either


def test_a_job_is_there_until_slurm_says_that_it_is_over(hidden):
    assert list(queued({"7"})) == [f"7_{i}" for i in range(7)]
    assert queued({"8"}) == {}
    assert marked("stepbatch-x") == ["7"]


def test_the_time_that_a_jobs_steps_used_is_the_jobs(cluster, tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])
    work = "srun python3 -c 'import time\nwhile time.process_time() < 1.5: pass'"
    argv = ["sbatch", "--parsable", "--mem=100MB", f"--output={tmp_path}/log", f"--wrap={work}"]
    job = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def told():
        return [(life.state, life.cpu_s >= 1, life.cpus) for life in lives([job], time.time() - 60) or []]

    wait_until(lambda: told() == [("COMPLETED", True, 1)])  # one row, not one a step
