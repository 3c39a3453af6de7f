import subprocess
import sys

import pytest

from core.engine import card_of, rank_environment

SLURM = {"SLURM_STEP_ID": "0", "SLURM_PROCID": "3", "SLURM_LOCALID": "1", "SLURM_NTASKS": "4"}


def test_torchrun_comes_first():
    torchrun = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "here", "MASTER_PORT": "1234"}
    assert rank_environment(torchrun | SLURM | {"HOME": "/"}) == torchrun


def test_slurm_tasks():
    address = {"MASTER_ADDR": "node1", "MASTER_PORT": "29500"}
    assert rank_environment(SLURM | address) == {"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"} | address
    with pytest.raises(ValueError, match="must export MASTER_PORT"):
        rank_environment(SLURM | {"MASTER_ADDR": "node1"})


@pytest.mark.parametrize("environment", [{}, SLURM | {"SLURM_NTASKS": "1"}, {"SLURM_NTASKS": "8", "SLURM_PROCID": "0"}])
def test_else_one_process_on_a_free_port(environment):
    found = rank_environment(environment)
    assert (found["RANK"], found["LOCAL_RANK"], found["WORLD_SIZE"]) == ("0", "0", "1")
    assert 0 < int(found["MASTER_PORT"]) < 65536


def test_a_rank_takes_its_own_gpu_or_the_one_that_it_is_bound_to():
    assert [card_of(rank, 4) for rank in range(4)] == [0, 1, 2, 3]
    assert [card_of(rank, 1) for rank in range(4)] == [0, 0, 0, 0]  # as with --gpus-per-task: each sees one, another one
    with pytest.raises(ValueError, match="rank 2 of this node has no GPU: it shows 2"):
        card_of(2, 2)


ALONE = """
import time, torch.distributed as dist
from core import engine
engine.start = lambda device: engine.Ranks(0, 0, 2)
dist.is_initialized, dist.get_backend = lambda: True, lambda: "nccl"
dist.destroy_process_group = lambda: time.sleep(600)  # as NCCL waits for ranks that wait for this one
with engine.joined("cuda"):
    raise """


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [("MemoryError('alone')", 1, "MemoryError: alone"), ("SystemExit(138)", 138, ""), ("KeyboardInterrupt", 130, "")],
)
def test_a_rank_that_ends_alone_does_not_wait_for_the_others(error, status, told):
    ended = subprocess.run([sys.executable, "-c", ALONE + error], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == status
    assert told in ended.stderr
    assert ("Traceback" in ended.stderr) == bool(told)


SUM = """
import torch
from core import engine
ranks = engine.start("cpu")
for stage in (2, 3):
    module = torch.nn.Linear(1, 1, bias=False, dtype=torch.bfloat16)
    trainer = engine.Engine(module, engine.Training(1e-3, 1, 64, zero_stage=stage, gradient_clipping=0.0), ranks)
    for i in range(64):
        trainer.backward(trainer(torch.full((1, 1), 1.0 if i else 256.0, dtype=torch.bfloat16)).float().sum())
    print("norm", trainer.step(1e-3))
engine.stop()
"""


@pytest.mark.slow
def test_in_bfloat16_many_micro_batches_add_up():
    ended = subprocess.run([sys.executable, "-c", SUM], capture_output=True, text=True, timeout=200, check=True)
    assert [line for line in ended.stdout.splitlines() if line.startswith("norm")] == ["norm 319.0"] * 2  # 256, and 63 times 1
