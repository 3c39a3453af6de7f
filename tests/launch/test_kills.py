"""kill -9 in the middle of a whole run, real in every stage: it goes on to the rows and the table of an unbroken one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.utils.rnn import pad_sequence

from core.prompt import completion_ids, prompt_ids
from results.parts import part_paths, read_parts
from sandbox.problem import Problem, write_problems
from tests.core import tiny
from tests.launch.toys import ROOT, alive, environment, wait_until

PROGRAM = "import time\ntime.sleep(0.2)\n\ndef add(a):\n    return a + {}"
ANSWERS = 4  # the number that a program adds: right for one problem in four, so that verdicts differ


def problems() -> list[Problem]:
    """Ones that differ in the number to add, which the model cannot see."""
    return [
        Problem(f"p{i}", "Add.", "call", entry_point="add", inputs=([1], [2]), outputs=(1 + i % ANSWERS, 2 + i % ANSWERS))
        for i in range(8)
    ]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A tiny model that has learnt to write PROGRAM, with a number that it draws evenly."""
    made = tiny.policy()
    prompt = prompt_ids(problems()[0], made.tokenizer)
    rows = [torch.tensor(prompt + completion_ids(PROGRAM.format(i), made.tokenizer)) for i in range(ANSWERS)]
    ids = pad_sequence(rows, batch_first=True, padding_value=0)
    labels = pad_sequence(rows, batch_first=True, padding_value=-100)
    labels[:, : len(prompt)] = -100
    optimiser = torch.optim.AdamW(made.model.parameters(), lr=3e-3)
    for _ in range(150):
        loss = made.model(input_ids=ids, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    folder = tmp_path_factory.mktemp("model")
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return folder


def start(run: Path, model: Path, data: Path) -> subprocess.Popen[bytes]:
    values = {
        "run_dir": run,
        "model": "pretrained",
        "model.path": model,
        "model.author": "tiny",
        "data": "files",
        "data.train.name": data,
        "data.test.name": data,
        "method.train_decoding.max_new_tokens": 60,
        "method.test_decoding.max_new_tokens": 60,
        "method.train_decoding.problems_per_batch": 2,
        "method.replay.draws": 8,
        "judge.shards": 2,
    }
    run.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "launch", *(f"{key}={value}" for key, value in values.items())]
    with (run.parent / f"{run.name}.err").open("ab") as err:  # a file: its jobs may outlive a driver and hold a pipe open
        return subprocess.Popen(argv, cwd=ROOT, env=environment(run), stdout=subprocess.DEVNULL, stderr=err)


def rows(run: Path) -> dict[str, list]:
    """What must not depend on kills: programs, likelihoods, verdicts, traces, table. No timings."""
    found: dict[str, list] = {"table": (run / "tables" / "table.csv").read_text().splitlines()}
    for stage in ("sample-train", "sample-before", "sample-after"):
        table = read_parts(run / stage, ["problem_id", "sample", "program", "logprob_sum"])
        found[stage] = sorted(map(tuple, (row.values() for row in table.to_pylist())))
    for stage in ("judge-train", "judge-before", "judge-after"):
        table = read_parts(run / stage / "tests", ["problem_id", "sample", "test", "verdict", "executed_lines"])
        found[stage] = sorted(tuple(map(str, row.values())) for row in table.to_pylist())
    return found


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
def test_a_run_whose_driver_worker_and_jail_are_killed_ends_in_the_same_table(tmp_path, model):
    data = tmp_path / "data" / "problems.jsonl"
    data.parent.mkdir()
    write_problems(data, problems())
    assert start(tmp_path / "whole" / "run", model, data).wait(300) == 0
    unbroken = rows(tmp_path / "whole" / "run")
    assert len({row[3] for row in unbroken["judge-after"]}) > 1, "all verdicts alike: the test would see nothing"

    run = tmp_path / "killed" / "run"
    driver = start(run, model, data)
    wait_until(lambda: part_paths(run / "sample-train"), 120)
    driver.kill()  # its tasks live on, or not: the next driver waits for what still runs
    driver.wait()
    driver = start(run, model, data)
    kill_one(run, "spawn_main")  # a worker of the judge
    kill_one(run, "nsjail\0-Mo")
    assert driver.wait(300) == 0, (run.parent / "run.err").read_text()
    assert rows(run) == unbroken
