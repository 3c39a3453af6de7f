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
