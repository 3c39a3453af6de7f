"""A language model ready to sample from or to train, with its tokenizer."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from core.model_files import ModelFiles, find_model
from core.options import ModelOptions

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

log = logging.getLogger(__name__)

disable_progress_bar()  # a stage's log is read, not watched


@dataclass(frozen=True, slots=True)
class Policy:
    """Made by `load_policy`; read by rollout, evaluate and btp. `model` and `tokenizer` are transformers' objects."""

    model: Any
    tokenizer: Any
    device: torch.device
    author: str


def load_policy(model: ModelOptions, purpose: Literal["sample", "train"]) -> Policy:
    """Loads the model onto its device, in evaluation mode.

    ValueError: an unknown device, dtype or package, a folder without a model, a name that is neither in the local
    Hugging Face cache nor to be had from the network.
    """
    device = device_of(model)
    dtype = dtype_of(model, purpose, device)
    files = find_model(model)
    source = str(converted(files)) if files.gguf else files.source
    tokenizer, network = _loaded(source)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    network = network.to(device=device, dtype=dtype).eval()
    if purpose == "train":
        check_head(network, model.path)
    return Policy(network, tokenizer, device, files.author)


@torch.no_grad()
def check_head(network: Any, name: str) -> None:
    """ValueError: a model whose logits are not its output layer's, but scaled or capped, which training does not do."""
    ids = torch.tensor([[1, 2]], device=network.device)
    states = network.base_model(input_ids=ids, use_cache=False).last_hidden_state
    if not torch.allclose(network.get_output_embeddings()(states), network(input_ids=ids, use_cache=False).logits, atol=1e-3):
        kind = network.config.model_type
        raise ValueError(
            f"model {name!r} ({kind}) scales or caps the logits of its output layer; such models can't be trained here"
        )


def device_of(model: ModelOptions) -> torch.device:
    """auto: cuda where there is one, else cpu. Which card, `engine.start` has said; else CUDA_VISIBLE_DEVICES may."""
    if model.device == "auto":
        return torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    if model.device not in ("cpu", "cuda"):
        raise ValueError(f"model device {model.device!r} is not one of auto, cpu, cuda")
    if model.device == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"model device {model.device!r}: torch sees no CUDA device here; use auto or cpu")
    return torch.device(model.device)


def dtype_of(model: ModelOptions, purpose: str, device: torch.device) -> torch.dtype:
    """auto: float32 for training on CPU, else bfloat16."""
    if model.dtype == "auto":
        return torch.float32 if purpose == "train" and device.type == "cpu" else torch.bfloat16
    if model.dtype not in DTYPES:
        raise ValueError(f"model dtype {model.dtype!r} is not one of auto, {', '.join(DTYPES)}")
    return DTYPES[model.dtype]


def converted(files: ModelFiles) -> Path:
    """The Hugging Face folder of a GGUF file, made once and kept in the user's cache.

    Reading a GGUF takes 10 to 20 s of one core, the folder 0.2 s, and every stage loads the model.
    """
    source = Path(files.source) / str(files.gguf)
    stamp = source.stat()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stepbatch"
    folder = cache / f"{source.stem}-{stamp.st_size}-{stamp.st_mtime_ns}"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # stages that start together convert once; a killed holder's lock falls with it
        if not (folder / "config.json").exists() or not (folder / "model.safetensors").exists():  # or somebody tidied up in it
            log.info("converting %s to %s", source.name, folder)
            beside = cache / f"_{folder.name}"
            for old in (beside, folder):
                shutil.rmtree(old, ignore_errors=True)
            _convert(source, beside)
            beside.rename(folder)
    return folder


def _convert(source: Path, folder: Path) -> None:
    """Writes the model of a GGUF file, in float32, and its tokenizer as a Hugging Face folder."""
    tokenizer = AutoTokenizer.from_pretrained(str(source.parent), gguf_file=source.name)
    read = AutoModelForCausalLM.from_pretrained(str(source.parent), gguf_file=source.name, dtype=torch.float32)
    config = read.config.to_dict()
    config.pop("quantization_config", None)  # save_pretrained refuses a model that was read from a GGUF: the weights move house
    fresh = type(read)(type(read.config)(**config))
    fresh.load_state_dict(read.state_dict())
    fresh.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _loaded(source: str) -> tuple[Any, Any]:
    """(tokenizer, model): from the disk where it has them, else from the network."""
    for local in (True, False):
        try:
            return (
                AutoTokenizer.from_pretrained(source, local_files_only=local),
                AutoModelForCausalLM.from_pretrained(source, local_files_only=local),
            )
        except (OSError, ValueError) as error:
            reason = f"{type(error).__name__}: {str(error).splitlines()[0]}"
            if Path(source).is_dir():
                raise ValueError(f"model folder {source!r} could not be loaded: {reason}") from error
    raise ValueError(
        f"model {source!r} is not a local folder, not in the local Hugging Face cache, and could not be fetched: {reason}"
    )
