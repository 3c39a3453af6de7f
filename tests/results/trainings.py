"""Trainings for the tests, written as the training floor writes them."""

import json
from pathlib import Path

import pyarrow as pa

from results.parts import write_part


def step_row(step, **columns):
    row = {"step": step, "reward": -0.5, "pass_rate": 0.25, "judge_errors": 0.0, "tokens": 100.0, "masked": 0.1, "kl": 0.01}
    return row | {"entropy": 1.5, "decode_s": 2.0, "score_s": 0.5, "judge_s": 0.5, "train_s": 1.0, "stage": 0.5} | columns


def rollout(step, difficulty="introductory", stage=0, verdict="pass"):
    return {"step": step, "difficulty": difficulty, "stage": stage, "verdict": verdict}


def write_steps(training: Path, rows, rollouts=()):
    for row in rows:
        write_part(training / "steps", f"{row['step']:06d}", pa.Table.from_pylist([row]))
    for step in sorted({each["step"] for each in rollouts}):
        of_step = [each for each in rollouts if each["step"] == step]
        write_part(training / "rollouts", f"{step:06d}-0000", pa.Table.from_pylist(of_step))
    return training


def write_training_run(run: Path, author="small+stepcoder", seed=3, kind="stepcoder"):
    """A run directory with its plan; the training is named by it."""
    model = "checkpoints/train"
    trained = {"kind": kind, "inputs": {}, "outputs": {"training": "train", "model": model}}
    options = {"stepcoder": {"seed": seed, "steps": 30}}
    before = {"kind": "sample", "inputs": {}, "outputs": {}, "options": {"model": {"author": "small"}}}
    after = before | {"inputs": {"model": model}, "options": {"model": {"author": author}}}
    run.mkdir(parents=True)
    (run / "plan.json").write_text(json.dumps([before, trained | {"options": options}, after]))
    return run
