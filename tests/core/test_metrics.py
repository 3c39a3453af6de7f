import pytest
import torch

from core import metrics
from core.experience import Experience
from core.score import Scored

NAN = float("nan")


def seen():
    """Three rollouts of 2, 1 and 2 tokens; the last is dropped, and what it holds must count nowhere."""
    mask = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    weights = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    logprobs = torch.tensor([[-1.0, -2.0], [-3.0, NAN], [NAN, NAN]])
    reference = torch.tensor([[-1.5, -2.0], [-3.25, NAN], [NAN, NAN]])
    values = torch.tensor([[0.5, 0.5], [0.0, NAN], [NAN, NAN]])
    scored = Scored([], torch.tensor([[1.0, 1.0], [1.0, 0.0], [1.0, 1.0]]), logprobs, torch.full((3, 2), 0.1), reference, values)
    return Experience(torch.tensor([1.0, -0.3, NAN]), torch.tensor([1.0, 0.0, 0.0]), mask, weights, scored)


def test_means_by_hand():
    returns = torch.tensor([[1.0, 0.5], [-1.5, 0.0], [0.0, 0.0]])
    sums = metrics.sums_of(seen(), returns)
    sums["entropy"] += 6.0  # of the first pass over the rollouts
    sums["policy_loss"] += 9.0  # of three of them
    told = metrics.means({name: float(value) for name, value in sums.items()}, epochs=3)
    assert told["reward"] == pytest.approx((1.0 - 0.3) / 2)
    assert told["pass_rate"] == 0.5
    assert told["judge_errors"] == pytest.approx(1 / 3)
    assert told["tokens"] == 3
    assert told["masked"] == pytest.approx(1 / 3)
    assert told["kl"] == pytest.approx((0.5 + 0.0 + 0.25) / 3)
    assert told["entropy"] == 2.0
    assert told["policy_loss"] == 1.0
    assert told["gap"] == pytest.approx(0.1)
    errors, spread = torch.tensor([0.5, 0.0, -1.5]), torch.tensor([1.0, 0.5, -1.5])
    assert told["explained"] == pytest.approx(float(1 - errors.var() / spread.var()))


def test_the_share_that_fgo_leaves_out_of_each_rollout():
    assert seen().masked().tolist() == [0.5, 0.0, 0.0]


def test_what_an_update_adds_does_not_run_together():
    sums = metrics.sums_of(seen(), torch.zeros(3, 2))
    sums["policy_loss"] += 1
    assert float(sums["value_loss"]) == 0


def test_a_step_as_a_line():
    row = {"reward": -0.25, "pass_rate": 0.125, "kl": 0.01234, "stage": 1.5, "tokens": 100.0}
    told = metrics.story(row | {"decode_s": 2.0, "score_s": 0.5, "judge_s": 1.25, "train_s": 4.0})
    assert told == "reward -0.25, 12.5% pass, KL 0.012, stage 1.50; tokens/s: decode 50, score 200, train 25; judge 1.2 s"
