"""The model of a training that is not finished: its newest checkpoint as a Hugging Face folder, on CPU and without ranks."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from core.checkpoint import newest

LOOKS = 5  # times that a checkpoint may be replaced while it is read
POLICY = ("actor", "model")  # what training loops call the engine of the policy


def export(resume: Path, out: Path) -> int:
    """Writes the newest checkpoint in `resume` to `out`, beside and renamed; the number of steps behind it.

    The weights have the dtype that they were trained in. Training may go on meanwhile.
    FileNotFoundError: no checkpoint there. FileExistsError: `out` is there. ValueError: a checkpoint that cannot be read.
    """
    if out.exists():
        raise FileExistsError(f"{out} is there already; name a new folder")
    os.environ.setdefault("DS_ACCELERATOR", "cpu")  # else DeepSpeed looks for a GPU
    step, weights = _read(resume)
    config = AutoConfig.from_pretrained(resume / "policy", local_files_only=True)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    weights = _of_policy(weights, set(model.state_dict()), resume)
    cast = {name: weight.to(config.dtype) if weight.is_floating_point() else weight for name, weight in weights.items()}
    model.load_state_dict(cast, assign=True)
    model.tie_weights()
    if (resume / "policy" / "generation_config.json").is_file():
        model.generation_config = type(model.generation_config).from_pretrained(resume / "policy", local_files_only=True)
    beside = out.with_name(f"_{out.name}.{os.getpid()}")
    shutil.rmtree(beside, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(beside)
    AutoTokenizer.from_pretrained(resume / "policy", local_files_only=True).save_pretrained(beside)
    beside.rename(out)
    return step


def _read(resume: Path) -> tuple[int, dict[str, Any]]:
    """(steps, the weights of the policy's engine): read again where training has replaced the checkpoint in the meantime."""
    for _ in range(LOOKS):
        latest = newest(resume)
        if latest is None:
            raise FileNotFoundError(
                f"{resume / 'latest.json'}: there is no such file: no checkpoint yet, or the training is done"
            )
        try:
            return latest["step"], _weights(resume / latest["tag"])
        except (OSError, EOFError, RuntimeError, ValueError) as error:
            if newest(resume) == latest:
                raise ValueError(f"{resume / latest['tag']} cannot be read: {type(error).__name__}: {error}") from error
    raise ValueError(
        f"{resume}: training replaced the checkpoint {LOOKS} times while it was read; try when it is slower or stopped"
    )


def _weights(checkpoint: Path) -> dict[str, Any]:
    """What the policy's engine had in memory, by name. At stage 3 it is put together from the ranks' parts."""
    name = next((name for name in POLICY if (checkpoint / name).is_dir()), None)
    if name is None:
        raise FileNotFoundError(f"{checkpoint} holds none of the engines {', '.join(POLICY)}")
    whole = checkpoint / name / "mp_rank_00_model_states.pt"
    if whole.is_file():
        # Not mapped into memory: on a network file system a mapped file that training deletes kills its reader.
        return dict(torch.load(whole, map_location="cpu", weights_only=False)["module"])
    from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):  # it tells all that it does
        return dict(get_fp32_state_dict_from_zero_checkpoint(str(checkpoint), tag=name))


def _of_policy(weights: dict[str, Any], names: set[str], resume: Path) -> dict[str, Any]:
    """The weights that the policy's configuration asks for; others, such as a value head on the same trunk, stay out."""
    for prefix in ("", *{name.split(".")[0] + "." for name in weights}):
        if names <= {name.removeprefix(prefix) for name in weights if name.startswith(prefix)}:
            return {name: weights[prefix + name] for name in names}
    missing = sorted(names - weights.keys())
    raise ValueError(
        f"{resume}: the checkpoint lacks {len(missing)} weights that policy/config.json asks for, {missing[0]} first"
    )
