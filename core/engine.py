"""DeepSpeed, which but for checkpoints only this file knows: ranks, one optimiser step, a Hugging Face export."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor

from core.options import OFFLOADS

RENDEZVOUS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
GATHERED_AT_ONCE = 2**28  # parameters
FEW = 4  # micro-batches
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
        card = card_of(ranks.local_rank, torch.cuda.device_count())
        os.environ["LOCAL_RANK"] = str(card)  # DeepSpeed puts its modules there
        torch.cuda.set_device(card)
    deepspeed.init_distributed("nccl" if on_gpu else "gloo", auto_mpi_discovery=False, timeout=PATIENCE)
    return ranks


def card_of(local_rank: int, cards: int) -> int:
    """Which of the GPUs that this process sees it takes: its own among its node's, or the only one that it was bound to.

    ValueError: the node shows some, but none for this rank.
    """
    if cards == 1:
        return 0
    if local_rank >= cards:
        raise ValueError(f"rank {local_rank} of this node has no GPU: it shows {cards}. Ask for as many GPUs a node as tasks")
    return local_rank


def stop() -> None:
    """Leaves the other ranks."""
    if dist.is_initialized():
        dist.destroy_process_group()


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Among the other ranks, as `start`; left at the end.

    A rank that fails alone ends its process at once where they meet by NCCL: to leave would be to wait for the others, which
    wait for it, and its launcher would not learn that they are to end too.
    """
    ranks = start(device)
    try:
        yield ranks
    except BaseException as error:
        if ranks.world > 1 and dist.is_initialized() and dist.get_backend() == "nccl":
            _end_at_once(error)
        stop()
        raise
    stop()


def _end_at_once(error: BaseException) -> NoReturn:
    """As Python would end for it, but that nothing is tidied up."""
    if isinstance(error, Exception):
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    told = error.code if isinstance(error, SystemExit) else 130 if isinstance(error, KeyboardInterrupt) else 1
    os._exit(told if isinstance(told, int) else 1)


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
    offload: str = "none"  # what lies in the CPU's memory: none, optimizer (its states), all (the parameters too, at stage 3)


def check(zero_stage: int, offload: str) -> None:
    """ValueError names the option, its value and what is valid."""
    if zero_stage not in (0, 1, 2, 3):
        raise ValueError(f"zero_stage {zero_stage} is not one of 0, 1, 2, 3")
    if offload not in OFFLOADS:
        raise ValueError(f"offload {offload!r} is not one of {', '.join(OFFLOADS)}")
    least = OFFLOADS[offload]
    if zero_stage < least:
        raise ValueError(f"offload {offload!r} needs zero_stage {least} or more, not {zero_stage}")


class Engine:
    """A module under ZeRO with AdamW. A step is `forward` and `backward` for each micro-batch, then `step` once."""

    def __init__(self, module: Any, training: Training, ranks: Ranks) -> None:
        import deepspeed

        self.ranks = ranks
        self.training = training
        parameters = [p for p in module.parameters() if p.requires_grad]
        rate, decay = training.learning_rate, training.weight_decay
        optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)
        self.engine, *_ = deepspeed.initialize(model=module, optimizer=optimizer, config=configuration(module, training))

    def __call__(self, *inputs: Any) -> Any:
        """What the module says."""
        return self.engine(*inputs)

    @property
    def device(self) -> torch.device:
        return torch.device(self.engine.device)

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
        if self.training.zero_stage > 0:
            self.engine.step()
            return float(self.engine.get_global_grad_norm())
        # DeepSpeed tells no norm here, but every rank holds the whole gradient.
        norm = torch.nn.utils.get_total_norm([p.grad for p in self.engine.module.parameters() if p.grad is not None])
        self.engine.step()
        return float(norm)

    def weights(self, part: str) -> Iterator[tuple[str, Tensor]]:
        """(name, whole parameter) of the submodule `part`. At stage 3 a tensor is whole only until the next is taken.

        All ranks must take them all, in step.
        """
        import deepspeed

        named = list(self.engine.module.get_submodule(part).named_parameters())
        if self.training.zero_stage < 3:
            yield from ((name, parameter.data) for name, parameter in named)
            return
        while named:
            together: list[tuple[str, Any]] = []
            size = 0
            while named and (not together or size + named[0][1].ds_numel <= GATHERED_AT_ONCE):
                together.append(named.pop(0))
                size += together[-1][1].ds_numel
            with deepspeed.zero.GatheredParameters([parameter for _, parameter in together]):
                yield from ((name, parameter.data) for name, parameter in together)

    def export(self, folder: Path, part: str, tokenizer: Any) -> None:
        """Writes the submodule `part`, a model of transformers, as a Hugging Face folder: beside, then renamed."""
        model = self.engine.module.get_submodule(part)
        state = (
            {name: value.to("cpu", copy=True) for name, value in self.weights(part)} if self.training.zero_stage == 3 else None
        )

        def write() -> None:
            beside = folder.with_name("_" + folder.name)
            shutil.rmtree(beside, ignore_errors=True)
            model.save_pretrained(beside, state_dict=state)
            tokenizer.save_pretrained(beside)
            beside.rename(folder)

        once(self.ranks, write)


def frozen(module: Any, training: Training) -> Any:
    """A module that only scores: at stage 3 its parameters are dealt out over the ranks as those of the trained one are."""
    module.requires_grad_(False)
    if training.zero_stage < 3:
        return module
    import deepspeed

    engine, *_ = deepspeed.initialize(model=module, config=configuration(module, training))
    return engine


def total(values: Tensor, device: torch.device) -> Tensor:
    """The sums of some numbers over the ranks, float64."""
    summed = values.to(device, torch.float64, copy=True)
    dist.all_reduce(summed)
    return summed


def gathered(value: Any) -> list[Any]:
    """What each rank gave, in the order of ranks."""
    found: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def configuration(module: Any, training: Training) -> dict[str, Any]:
    """DeepSpeed's configuration: nothing is left to its defaults that changes a number."""
    dtype = next(module.parameters()).dtype
    if dtype != torch.float32 and training.zero_stage == 0:
        raise ValueError(f"zero_stage 0 trains in float32 only, not in {str(dtype).removeprefix('torch.')}: use 1, 2 or 3")
    # A sum in bfloat16 loses the small ones of many micro-batches; of a few, no more than a gradient's own rounding, and a sum in
    # float32 costs 4 bytes a parameter, over the ranks. At stage 1 DeepSpeed would take another optimiser for it.
    exact = training.zero_stage > 1 and training.accumulation > FEW
    zero: dict[str, Any] = {
        "stage": training.zero_stage,
        "stage3_param_persistence_threshold": 0,
        # A buffer for the gradients spares a GPU's memory; on a CPU it is one more copy of each, a tenth of training's time.
        "contiguous_gradients": next(module.parameters()).device.type != "cpu",
    }
    if training.offload != "none":
        zero["offload_optimizer"] = {"device": "cpu"}
    if training.offload == "all":
        zero["offload_param"] = {"device": "cpu"}
    return {
        "train_micro_batch_size_per_gpu": training.micro_batch_size,
        "gradient_accumulation_steps": training.accumulation,
        "gradient_clipping": training.gradient_clipping,  # left out, it would be 1
        "bf16": {"enabled": dtype == torch.bfloat16},
        "data_types": {"grad_accum_dtype": "bf16" if dtype == torch.bfloat16 and not exact else "fp32"},
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,  # torch's AdamW steps on the CPU too, and needs no compiler there
        "zero_optimization": zero,
        "steps_per_print": 2**31 - 1,
    }
