"""DeepSpeed, which but for checkpoints only this file knows: ranks, one optimiser step, a Hugging Face export."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

RENDEZVOUS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
PATIENCE = timedelta(hours=6)  # the other ranks wait while rank 0 scores programs


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process among those that train together."""

    rank: int
    local_rank: int
    world: int


def rank_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The five variables torch asks for: torchrun's as they are, else made of Slurm's, else one process on a free port.

    Slurm gives no address of rank 0: with more than one task MASTER_ADDR and MASTER_PORT must be exported by the job.
    """
    if all(name in environment for name in RENDEZVOUS):
        return {name: environment[name] for name in RENDEZVOUS}
    address = {name: environment[name] for name in RENDEZVOUS[3:] if name in environment}
    # A task of `srun` has SLURM_STEP_ID; a batch script, and what it starts by itself, is one process whatever SLURM_NTASKS says.
    if "SLURM_STEP_ID" in environment and int(environment.get("SLURM_NTASKS", "1")) > 1:
        missing = [name for name in RENDEZVOUS[3:] if name not in address]
        if missing:
            raise ValueError(f"training with {environment['SLURM_NTASKS']} Slurm tasks: the job must export {', '.join(missing)}")
        slurm = (environment["SLURM_PROCID"], environment["SLURM_LOCALID"], environment["SLURM_NTASKS"])
        return dict(zip(RENDEZVOUS, slurm, strict=False)) | address
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return dict(zip(RENDEZVOUS, ("0", "0", "1", "127.0.0.1", port), strict=True))


def start(device: str) -> Ranks:
    """Joins the other ranks: NCCL on GPUs, gloo on CPU. `stop` must follow, or the process may abort at exit."""
    os.environ.update(rank_environment(os.environ))
    ranks = Ranks(*(int(os.environ[name]) for name in RENDEZVOUS[:3]))
    on_gpu = device != "cpu" and torch.cuda.is_available()
    os.environ.setdefault("DS_ACCELERATOR", "cuda" if on_gpu else "cpu")  # else it guesses, and warns
    import deepspeed

    # Asked for, DeepSpeed compiles this op: a minute cold, and a stale lock file hangs it in silence.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if on_gpu:
        torch.cuda.set_device(ranks.local_rank)
    deepspeed.init_distributed("nccl" if on_gpu else "gloo", auto_mpi_discovery=False, timeout=PATIENCE)
    return ranks


def stop() -> None:
    """Leaves the other ranks."""
    if dist.is_initialized():
        dist.destroy_process_group()


def once(ranks: Ranks, work: Callable[[], None]) -> None:
    """`work` on rank 0 while the others wait. All ranks must call it: what to skip is decided inside `work`.

    Where it fails, the launcher ends the other ranks.
    """
    if ranks.rank == 0:
        work()
    dist.barrier()


@dataclass(frozen=True, slots=True)
class Training:
    """How an engine trains: what DeepSpeed must know when it is made."""

    learning_rate: float
    micro_batch_size: int  # rows a rank holds at once
    accumulation: int  # micro-batches a rank takes to make one step
    weight_decay: float = 0.0
    gradient_clipping: float = 1.0  # 0: off
    zero_stage: int = 2


class Engine:
    """A model under ZeRO with AdamW. A step is `forward` and `backward` for each micro-batch, then `step` once."""

    def __init__(self, model: Any, training: Training, ranks: Ranks) -> None:
        import deepspeed

        self.ranks = ranks
        self.training = training
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=training.weight_decay)
        self.engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=configuration(model, training))

    def backward(self, loss: Tensor) -> None:
        """Adds this rank's micro-batch to the step's gradient.

        The losses of all micro-batches of all ranks add up to the step's loss: DeepSpeed takes means, this undoes them.
        """
        self.engine.backward(loss * self.ranks.world * self.training.accumulation)
        if not self.engine.is_gradient_accumulation_boundary():
            self.engine.step()  # counts the micro-batch

    def step(self, learning_rate: float) -> float:
        """Clips and applies the gradient; its norm before clipping."""
        for group in self.engine.optimizer.param_groups:
            group["lr"] = learning_rate
        self.engine.step()
        norm = self.engine.get_global_grad_norm()
        return float(norm) if norm is not None else float("nan")  # none at stage 0 in float32

    def export(self, folder: Path, tokenizer: Any) -> None:
        """Writes a Hugging Face folder beside and renames it."""
        stage_3 = self.training.zero_stage == 3
        weights = self.engine._zero3_consolidated_16bit_state_dict() if stage_3 else self.engine.module.state_dict()

        def write() -> None:
            beside = folder.with_name("_" + folder.name)
            shutil.rmtree(beside, ignore_errors=True)
            self.engine.module.save_pretrained(beside, state_dict=weights)
            tokenizer.save_pretrained(beside)
            beside.rename(folder)

        once(self.ranks, write)


def total(values: Sequence[float], device: Any) -> list[float]:
    """The sums of some numbers over the ranks."""
    summed = torch.tensor(values, dtype=torch.float64, device=device)
    dist.all_reduce(summed)
    return [float(value) for value in summed]


def gathered(value: Any) -> list[Any]:
    """What each rank gave, in the order of ranks."""
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def configuration(model: Any, training: Training) -> dict[str, Any]:
    """DeepSpeed's configuration: nothing is left to its defaults that changes a number."""
    return {
        "train_micro_batch_size_per_gpu": training.micro_batch_size,
        "gradient_accumulation_steps": training.accumulation,
        "gradient_clipping": training.gradient_clipping,  # left out, it would be 1
        "bf16": {"enabled": next(model.parameters()).dtype == torch.bfloat16},
        "fp16": {"enabled": next(model.parameters()).dtype == torch.float16},
        "zero_allow_untested_optimizer": True,
        "zero_optimization": {
            "stage": training.zero_stage,
            "stage3_param_persistence_threshold": 0,
            "stage3_gather_16bit_weights_on_model_save": True,
        },
        "steps_per_print": 2**31 - 1,
    }
