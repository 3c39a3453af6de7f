"""kill -9 in the middle of a whole run, real in every stage: it goes on to the rows and the table of an unbroken one."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from results.parts import part_paths
from tests.launch.toys import alive, wait_until
from tests.launch.whole import rows, start


def of_run(run: Path, mark: str) -> list[int]:
    """Living processes of the run's tasks whose command line holds the mark."""
    children: dict[int, list[int]] = {}
    lines: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                lines[int(entry.name)] = (entry / "cmdline").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has just ended
            children.setdefault(parent, []).append(int(entry.name))
    family = [pid for pid, line in lines.items() if str(run) in line]
    for pid in family:
        family.extend(child for child in children.get(pid, []) if child not in family)
    return [pid for pid in family if mark in lines[pid] and alive(pid)]


def kill_one(run: Path, mark: str) -> None:
    found: list[int] = []
    wait_until(lambda: found.extend(of_run(run, mark)) or found, 120)
    os.kill(found[0], signal.SIGKILL)


@pytest.mark.slow
def test_a_run_whose_driver_worker_and_jail_are_killed_ends_in_the_same_table(tmp_path, unbroken):
    model, data, expected = unbroken
    run = tmp_path / "killed" / "run"
    driver = start(run, model, data)
    wait_until(lambda: part_paths(run / "sample-train"), 120)
    driver.kill()  # its tasks live on, or not: the next driver waits for what still runs
    driver.wait()
    driver = start(run, model, data)
    kill_one(run, "spawn_main")  # a worker of the judge
    kill_one(run, "nsjail\0-Mo")
    assert driver.wait(300) == 0, (run.parent / "run.err").read_text()
    assert rows(run) == expected
