"""A small run that is real in every stage: a tiny model that has learnt to write one program, its problems, its rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from core.prompt import completion_ids, prompt_ids
from results.parts import read_parts
from sandbox.problem import Problem
from tests.core import tiny
from tests.launch.toys import ROOT, environment

PROGRAM = "import time\ntime.sleep(0.2)\n\ndef add(a):\n    return a + {}"
ANSWERS = 4  # the number that a program adds: right for one problem in four, so that verdicts differ


def problems() -> list[Problem]:
    """Ones that differ in the number to add, which the model cannot see."""
    return [
        Problem(f"p{i}", "Add.", "call", entry_point="add", inputs=([1], [2]), outputs=(1 + i % ANSWERS, 2 + i % ANSWERS))
        for i in range(8)
    ]


def write_model(folder: Path) -> Path:
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
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return folder


def overrides(run: Path, model: Path, data: Path) -> list[str]:
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
        "method.sft.batch_size": 4,
        "method.sft.micro_batch_size": 1,
        "judge.shards": 2,
    }
    return [f"{key}={value}" for key, value in values.items()]


def start(run: Path, model: Path, data: Path) -> subprocess.Popen[bytes]:
    """On this machine."""
    run.parent.mkdir(parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "launch", *overrides(run, model, data)]
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
