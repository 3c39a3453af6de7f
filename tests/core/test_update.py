"""Which tokens each loss learns from: networks of one number a column, whose gradients tell."""

from types import SimpleNamespace

import pytest
import torch

from core import engine, sft, update
from core.experience import ADVANTAGES, Experience
from core.models import Models
from core.options import PPOOptions
from core.score import Scored

CPU = torch.device("cpu")
REAL = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
RAN = torch.tensor([[1.0, 0.0, 1.0, 0.0]])  # the second token's line was not executed


class Columns:
    """As an Engine whose network says one number a column of a completion."""

    def __init__(self, answer):
        self.numbers, self.answer = torch.zeros(4, requires_grad=True), answer
        self.ranks, self.training = engine.Ranks(0, 0, 1), SimpleNamespace(accumulation=1)
        self.engine = SimpleNamespace(module=torch.nn.Identity())

    def __call__(self, batch, _entropy=False):
        return self.answer(self.numbers[: batch.weights.shape[1]].expand(batch.weights.shape))

    def backward(self, loss):
        loss.backward()

    def step(self, _rate):
        return float(self.numbers.grad.norm())


def rollout():
    """One of three tokens, with a reward of 1; the policy is a nat a token above its reference."""
    minus = -torch.ones(1, 4)
    scored = Scored([sft.Example((5,), (1, 2, 3))], REAL, 0 * minus, 0 * minus, minus, 0 * minus)
    return Experience(torch.tensor([1.0]), torch.tensor([1.0]), REAL, RAN, scored)


def learnt_columns(monkeypatch, **options):
    """(of the policy, of the critic): which columns got a gradient; and what the update told."""
    monkeypatch.setattr(engine, "total", lambda values, _device: values.double())
    policy, critic = Columns(lambda x: (x, None, None)), Columns(lambda x: x)
    told = update.update(Models(policy, critic, None, 0, CPU), rollout(), PPOOptions(minibatches=1, **options), 1, 0, 0)
    return [(each.numbers.grad != 0).tolist()[:3] for each in (policy, critic)], told


@pytest.mark.parametrize(
    ("options", "policy", "critic"),
    [
        ({}, [True, False, True], [True, True, True]),
        ({"mask_value": True}, [True, False, True], [True, False, True]),
        ({"kl_in": "loss"}, [True, True, True], [True, True, True]),
        ({"kl_in": "loss", "mask_kl": True}, [True, False, True], [True, True, True]),
    ],
)
def test_the_mask_is_of_the_policy_loss_and_where_asked_of_value_loss_and_kl(monkeypatch, options, policy, critic):
    assert learnt_columns(monkeypatch, **options)[0] == [policy, critic]


def test_both_gradients_are_told(monkeypatch):
    told = learnt_columns(monkeypatch, whiten=False, kl_weight=0.0, lam=1.0, value_clip=0.0)[1]
    assert told["critic_grad_norm"] == pytest.approx(3**-0.5)  # of ½(V − 1)² at V = 0, over three tokens
    assert told["grad_norm"] == pytest.approx(2**0.5 / 3)  # of −ρ·1 at ρ = 1, of two of three


@pytest.mark.parametrize(("masked", "last"), [(False, 1 - 3 * 0.05), (True, 1 - 2 * 0.05)])
def test_a_penalty_in_the_rewards_may_be_masked(masked, last):
    advantages, returns = ADVANTAGES["gae"](rollout(), PPOOptions(lam=1.0, mask_kl=masked), 1)
    assert returns[0, 0] == pytest.approx(last)
    assert returns[0, 2] == pytest.approx(0.95)
    assert advantages[0, 3] == 0
    twice = rollout()
    both = [torch.cat([x, x]) for x in (twice.reward, twice.passed, twice.mask, twice.weights)]
    of_both = (torch.cat([getattr(twice.scored, name)] * 2) for name in ("tokens", "logprobs", "gap", "reference", "values"))
    scored = Scored([], *of_both)
    scored.reference[1] = 0  # the second is where it started
    advantages, _ = ADVANTAGES["leave_one_out"](Experience(*both, scored), PPOOptions(mask_kl=masked), 2)
    assert advantages[0, 0] == pytest.approx(last - 1)
