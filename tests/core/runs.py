"""Small training runs, as functions for `tests.core.forks`: importing this imports all that they need."""

import os
import random
import shutil
import signal
import time
from pathlib import Path

import deepspeed
import numpy as np
import torch
from safetensors.torch import load_file

from core import btp, checkpoint, engine, signals, stepcoder
from core.actor_critic import Actor
from core.options import CurriculumOptions, ModelOptions, PPOOptions, ReplayOptions, SFTOptions, StepCoderOptions
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from tests.core import tiny

assert deepspeed.__version__  # imported for the forks' sake


def weights(run):
    return load_file(run / "model" / "model.safetensors")


def assert_same_weights(run, other, tolerance):
    ours, theirs = weights(run), weights(other)
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], atol=tolerance, rtol=0)


def finetune(folder, run, options, dtype="float32", pause_s=0.0):
    """BTP on `tiny.judged_run`; says `step N` after each."""

    def progress(done, total):
        print("step", done, flush=True)
        time.sleep(pause_s)

    given = {"learning_rate": 1e-3, "batch_size": 4, "checkpoint_every_steps": 2} | options
    model = ModelOptions(path=str(folder / "tiny"), device="cpu", dtype=dtype)
    replay, sources = ReplayOptions(draws=19, importance_exponent=0.5), (folder / "programs", folder / "judged")
    problems = folder / "problems.jsonl.gz"
    btp.finetune(model, replay, SFTOptions(**given), problems, *sources, run / "finetune", run / "model", progress)


def finetune_dying(folder, run, options, at):
    """`finetune` that kills itself before the at-th time that it touches a file in a way that matters to a checkpoint."""
    count = 0

    def deadly(work):
        def counted(*given, **named):
            nonlocal count
            count += 1
            if count == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return work(*given, **named)

        return counted

    torch.save, os.fsync, shutil.rmtree, Path.rename = map(deadly, (torch.save, os.fsync, shutil.rmtree, Path.rename))
    finetune(folder, run, options)


def finetune_overflowing(folder, run, at):
    """`finetune` whose gradient is infinite at a step, as its loss is not: DeepSpeed passes over such a step."""
    norms, step = [], engine.Engine.step

    def overflowing(self, rate):
        norms.append(step(self, rate))
        return norms[-1] if len(norms) <= at else float("inf")

    engine.Engine.step = overflowing
    finetune(folder, run, {})


def engine_of(stage, ranks, dtype="float32"):
    policy = tiny.policy()
    policy.model.to(getattr(torch, dtype))
    return policy, engine.Engine(Actor(policy.model), engine.Training(1e-3, 1, 1, zero_stage=stage), ranks)


def export_by_engine(stage, dtype, resume, out):
    """The checkpoint of a `finetune`, loaded and exported by ranks."""
    ranks = engine.start("cpu")
    policy, trainer = engine_of(stage, ranks, dtype)
    checkpoint.load(resume, {"model": trainer}, {})
    trainer.export(out, "policy", policy.tokenizer)
    engine.stop()


def draws():
    return [random.random(), np.random.random(), float(torch.rand(1)), float(np.random.standard_normal())]


def write_draws(folder):
    """A checkpoint, then draws of each rank; a generator had half of a pair of normal numbers left."""
    ranks = engine.start("cpu")
    checkpoint._seed(bytes([ranks.rank] * 32))
    np.random.standard_normal()
    policy, trainer = engine_of(0, ranks)
    checkpoint.save(folder, {"model": trainer}, 1, {"options": {"seed": 1}}, policy)
    print("drawn", ranks.rank, draws(), flush=True)
    engine.stop()


def read_draws(folder, seed=1):
    ranks = engine.start("cpu")
    checkpoint.load(folder, {"model": engine_of(0, ranks)[1]}, {"options": {"seed": seed}}, ("seed",))
    print("drawn", ranks.rank, draws(), flush=True)
    engine.stop()


def loop(seconds, earlier=None):
    """Goes on for some seconds after a signal; `earlier` is what SIGTERM met before: ignored, or a handler that comes back."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # tests that a shell started in the background ignore it
    if earlier:
        signal.signal(signal.SIGTERM, {"ignored": signal.SIG_IGN, "handled": lambda *_: print("handled", flush=True)}[earlier])
    with signals.heeded() as asked:
        print("looping", flush=True)
        started = time.monotonic()
        since = {"ignored": started}.get(earlier)  # else from when a signal has come, however long that takes
        while asked.number != signal.SIGTERM and (since is None or time.monotonic() < since + seconds):
            since = since or asked.since or None
            assert time.monotonic() < started + 120, "no signal came"
            time.sleep(0.01)
        print("left", int(asked.number), flush=True)


def learn(folder, run, given, broken_step=None, pause_s=0.0):
    """StepCoder on the problems of `folder`; says `step N` after each. A step can be broken."""

    def progress(done, total, told):
        print("step", done, flush=True)
        time.sleep(pause_s)

    update = stepcoder.update.update
    if broken_step is not None:
        stepcoder.update.update = lambda *given: update(*given) | ({"kl": float("nan")} if given[4] == broken_step else {})
    given = {"steps": 4, "problems_per_step": 2, "rollouts_per_problem": 4, "max_new_tokens": 12} | given
    ppo = {"learning_rate": 1e-3, "critic_learning_rate": 1e-3, "minibatches": 1, "micro_batch_size": 4} | given.pop("ppo", {})
    model = ModelOptions(path=str(folder / "tiny"), device="cpu", dtype=given.pop("dtype", "auto"))
    curriculum = CurriculumOptions(**given.pop("curriculum", {}))
    stepcoder.train(
        model,
        StepCoderOptions(**given, curriculum=curriculum, ppo=PPOOptions(**ppo)),
        JudgeOptions(Limits(cpu_s=2.0)),
        1,
        folder / "problems.jsonl.gz",
        run / "train",
        run / "model",
        progress,
    )
