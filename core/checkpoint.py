"""Checkpoints of a training run: what makes a killed one go on, on as many processes as there are now.

resume/
  latest.json       the checkpoint that counts, and what a run that goes on from it must agree with; renamed into place last
  step-000010/      a DeepSpeed checkpoint an engine; random-00000.pt, the state of a rank's random generators
  policy/           configuration and tokenizer: with the weights, all that an export needs
"""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from core.engine import Engine, gathered, once
from core.policy import Policy

log = logging.getLogger(__name__)


def save(folder: Path, engines: Mapping[str, Engine], step: int, agreed: dict[str, Any], policy: Policy) -> None:
    """A checkpoint of the engines after `step` steps. `latest.json` names it last, so a partial one is never read; older ones go.

    agreed: what a run that goes on from it must agree with, and what else it needs, as JSON knows it. All ranks must call it.
    """
    ranks = next(iter(engines.values())).ranks
    tag = f"step-{step:06d}"
    once(ranks, lambda: shutil.rmtree(folder / tag, ignore_errors=True))  # a killed run may have left half of it
    for name, engine in engines.items():
        engine.engine.save_checkpoint(str(folder / tag), tag=name, save_latest=False)
    torch.save(_random_state(), folder / tag / f"random-{ranks.rank:05d}.pt")
    dist.barrier()

    def publish() -> None:
        _describe(policy, folder / "policy")
        _publish(folder, {"tag": tag, "step": step, "world": ranks.world} | agreed)

    once(ranks, publish)


def _describe(policy: Policy, folder: Path) -> None:
    """Writes what the weights alone do not tell, unless it is there."""
    if folder.is_dir():
        return
    beside = folder.with_name("_" + folder.name)
    shutil.rmtree(beside, ignore_errors=True)
    config = copy.deepcopy(policy.model.config)
    config.dtype = policy.model.dtype  # as trained, not as loaded
    config.save_pretrained(beside)
    if policy.model.can_generate():
        policy.model.generation_config.save_pretrained(beside)
    policy.tokenizer.save_pretrained(beside)
    beside.rename(folder)


def _publish(folder: Path, latest: dict[str, Any]) -> None:
    """From here on the new checkpoint counts. It is on the disk before, as the older ones go after."""
    for part in (folder / latest["tag"], folder / "policy"):
        for path in [*part.rglob("*"), part]:
            _sync(path)
    beside = folder / "_latest.json"
    beside.write_text(json.dumps(latest))
    _sync(beside)
    beside.rename(folder / "latest.json")
    _sync(folder)
    for old in folder.glob("step-*"):
        if old.name != latest["tag"]:
            shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    """Waits until a file or a folder's list of names is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def newest(folder: Path) -> dict[str, Any] | None:
    """What `latest.json` says; None before the first checkpoint."""
    try:
        return dict(json.loads((folder / "latest.json").read_text()))
    except FileNotFoundError:
        return None


def load(folder: Path, engines: Mapping[str, Engine], plan: dict[str, Any], free: Collection[str] = ()) -> dict[str, Any] | None:
    """Goes on from the latest checkpoint: what was saved with it, or None where there is none. All ranks must call it.

    On the ranks that wrote it, to the bit. Other numbers of ranks share the optimiser's state anew through DeepSpeed's universal
    checkpoints, and rank r seeds its random generators from (plan, step, r).
    ValueError: `plan` says something else than the checkpoint; options named in `free` may. RuntimeError: it cannot be read.
    """
    ranks = next(iter(engines.values())).ranks
    latest: dict[str, Any] | None = gathered(newest(folder) if ranks.rank == 0 else None)[0]  # a node may see the file late
    if latest is None:
        return None
    differing = list(differences(latest, json.loads(json.dumps(plan)), free))
    if differing:
        raise ValueError(
            f"{folder} holds the first {latest['step']} steps of another training: {'; '.join(differing)}. "
            f"Give what it was started with to go on, or delete {folder} to start anew"
        )
    tag, other_world = folder / latest["tag"], latest["world"] != ranks.world
    for name, engine in engines.items():
        universal = other_world and engine.training.zero_stage > 0  # at stage 0 every rank holds everything
        if universal:
            once(ranks, partial(_convert, tag / name, tag / f"{name}-universal"))
        engine.engine._config.load_universal_checkpoint = universal  # asked by load_checkpoint only
        found, _ = engine.engine.load_checkpoint(str(tag), tag=f"{name}-universal" if universal else name)
        if found is None:
            raise RuntimeError(f"{tag / name}: DeepSpeed found no checkpoint there; delete {folder} to start anew")
    if other_world:
        log.warning("%s: made by %d processes, goes on with %d", tag, latest["world"], ranks.world)
        _seed(hashlib.sha256(repr((plan, latest["step"], ranks.rank)).encode()).digest())
    else:
        _restore(torch.load(tag / f"random-{ranks.rank:05d}.pt", weights_only=True))
    return latest


def over(folder: Path, export: Path) -> bool:
    """Whether the training has written its model; then what is left of its checkpoints goes."""
    written = (export / "config.json").is_file()
    if written:  # perhaps by one that was killed before it could tidy up
        drop(folder)
    return written


def drop(folder: Path) -> None:
    """Removes all checkpoints: optimiser states, several times the model's size."""
    shutil.rmtree(folder, ignore_errors=True)


def differences(saved: Any, wanted: Any, free: Collection[str] = (), name: str = "") -> Iterator[str]:
    """What is not as it was saved, named as options are: `ppo.gamma is 0.9, was 1.0`; less the names in `free`, at any depth."""
    if isinstance(saved, dict) and isinstance(wanted, dict):
        for key in wanted:
            if key not in free:
                below = key if name in ("", "options") else f"{name}.{key}"
                yield from differences(saved.get(key), wanted[key], free, below)
    elif saved != wanted:
        yield "the data is not the same" if name == "plan" else f"{name} is {wanted!r}, was {saved!r}"


def _convert(checkpoint: Path, universal: Path) -> None:
    """DeepSpeed's converter, in a process of its own: it takes memory and prints. Beside and renamed."""
    if universal.is_dir():
        return
    beside = universal.with_name("_" + universal.name)
    shutil.rmtree(beside, ignore_errors=True)
    folders = ["--input_folder", str(checkpoint), "--output_folder", str(beside)]
    command = [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", *folders, "--inject_missing_state"]
    environment = os.environ | {"DS_ACCELERATOR": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise RuntimeError(
            f"{checkpoint} could not be converted for another number of processes; with as many as before it still goes on:\n"
            f"{done.stderr}"
        )
    beside.rename(universal)


def _random_state() -> dict[str, Any]:
    """Of this process, as plain values and tensors."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    state = {"python": random.getstate(), "numpy": (kind, [int(key) for key in keys], *rest), "torch": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if _on_gpu() else {})


def _restore(state: dict[str, Any]) -> None:
    random.setstate(state["python"])
    np.random.set_state(state["numpy"])
    torch.set_rng_state(state["torch"])
    if "cuda" in state and _on_gpu():
        torch.cuda.set_rng_state(state["cuda"])


def _on_gpu() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _seed(digest: bytes) -> None:
    """All generators from 32 bytes."""
    random.seed(digest)
    np.random.seed(np.frombuffer(digest, dtype=np.uint32))
    torch.manual_seed(int.from_bytes(digest[:8], "little"))  # of every GPU, too
