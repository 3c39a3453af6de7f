import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from core import ppo
from core.advantage import mean_and_variance

PEERS = Path(__file__).parents[3] / "shared" / "data" / "peer_cases.json"
NAN = float("nan")
needs_peers = pytest.mark.skipif(not PEERS.is_file(), reason="the peers' test cases are not at hand")
MARGIN = 1e-5

# name: a loss or a statistic of (first argument, two more [B, C], weights)
FUNCTIONS = {
    "policy_loss": lambda x, a, b, w: ppo.policy_loss(x, a, b, w, 0.2),
    "value_loss": lambda x, a, b, w: ppo.value_loss(x, a, b, w, 0.8),
    "value_loss without clip": lambda x, a, b, w: ppo.value_loss(x, a, b, w, None),
    "kl_penalty_loss": lambda x, a, b, w: ppo.kl_penalty_loss(x, a, w),
    "k1": lambda x, a, b, w: ppo.approximate_kl(x, a, w, "k1"),
    "k2": lambda x, a, b, w: ppo.approximate_kl(x, a, w, "k2"),
    "k3": lambda x, a, b, w: ppo.approximate_kl(x, a, w, "k3"),
    "ratio_moments": lambda x, a, b, w: ppo.ratio_moments(x, a, w),
    "clip_fraction": lambda x, a, b, w: ppo.clip_fraction(x, a, b, w, 0.2),
}


def peers(group):
    return json.loads(PEERS.read_text())[group]


def batch(seed):
    """Three random tensors [B, C] and weights: right-padded rows with holes, as FGO's mask makes them."""
    random = np.random.default_rng(seed)
    shape = tuple(random.integers(2, 7, size=2))
    a, b, c = (torch.from_numpy(random.normal(scale=0.4, size=shape)).float() for _ in range(3))
    lengths = random.integers(0, shape[1] + 1, size=(shape[0], 1))
    lengths[0] = shape[1]
    weights = (np.arange(shape[1]) < lengths) * random.choice([0.0, 0.5, 1.0], p=[0.2, 0.2, 0.6], size=shape)
    weights[0, 0] = 1.0
    return a, b, c, torch.from_numpy(weights).float()


def in_float64(name, x, a, b, w):
    """The same by loops over the tokens that count."""
    tokens = [t for t in zip(*(m.double().flatten().tolist() for m in (x, a, b, w)), strict=True) if t[3] != 0]
    each = {
        "policy_loss": lambda x, a, b, w: -w * min(np.exp(x - a) * b, max(min(np.exp(x - a), 1.2), 0.8) * b),
        "value_loss": lambda x, a, b, w: max((x - b) ** 2, (max(min(x, a + 0.8), a - 0.8) - b) ** 2) / 2,
        "value_loss without clip": lambda x, a, b, w: (x - b) ** 2 / 2,
        "kl_penalty_loss": lambda x, a, b, w: np.exp(a - x) - 1 + x - a,
        "k1": lambda x, a, b, w: x - a,
        "k2": lambda x, a, b, w: (x - a) ** 2 / 2,
        "k3": lambda x, a, b, w: np.exp(a - x) - 1 + x - a,
        "ratio_moments": lambda x, a, b, w: np.exp(x - a),
        "clip_fraction": lambda x, a, b, w: float(min(np.exp(x - a) * b, 1.2 * b if b > 0 else 0.8 * b) != np.exp(x - a) * b),
    }[name]
    values = np.array([each(*token) for token in tokens])
    return values.sum() if name.endswith(("loss", "clip")) else np.array([len(values), values.sum(), (values**2).sum()])


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("seed", range(20))
def test_against_loops_in_float64(name, seed):
    tensors = batch(seed)
    np.testing.assert_allclose(FUNCTIONS[name](*tensors).numpy(), in_float64(name, *tensors), atol=MARGIN, rtol=MARGIN)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_nan_where_the_weight_is_zero_changes_neither_value_nor_gradient(name):
    *tensors, weights = batch(3)
    assert (weights == 0).any()

    def value_and_gradient(filler):
        x, a, b = (torch.where(weights == 0, filler, t) for t in tensors)
        x.requires_grad_()
        found = FUNCTIONS[name](x, a, b, weights)
        if found.requires_grad:
            found.backward()
        return found.detach(), torch.zeros_like(x) if x.grad is None else x.grad

    for filler in (NAN, float("inf"), 9.0):
        assert_close(value_and_gradient(filler), value_and_gradient(0.0), rtol=0, atol=0)
    assert (value_and_gradient(NAN)[1][weights == 0] == 0).all()


@pytest.mark.parametrize("name", ["policy_loss", "value_loss", "kl_penalty_loss"])
def test_gradient_flows_into_the_first_argument_alone(name):
    *tensors, weights = batch(1)
    tensors = [t.requires_grad_() for t in tensors]
    FUNCTIONS[name](*tensors, weights).backward()
    assert tensors[0].grad.abs().sum() > 0
    assert tensors[1].grad is None
    assert tensors[2].grad is None


def test_the_clip_worked_by_hand():
    """ρ = 1.5, 1.5, 0.5, 0.5 and A = 2, −2, 2, −2: min(3, 2.4), min(−3, −2.4), min(1, 1.6), min(−1, −1.6)."""
    old = torch.full((1, 4), -1.0)
    logprobs = (old + tensor([[1.5, 1.5, 0.5, 0.5]]).log()).requires_grad_()
    advantages, weights = tensor([[2.0, -2.0, 2.0, -2.0]]), torch.ones(1, 4)
    loss = ppo.policy_loss(logprobs, old, advantages, weights, 0.2)
    loss.backward()
    assert_close(loss.detach(), tensor(-(2.4 - 3 + 1 - 1.6)))
    assert_close(logprobs.grad, tensor([[0.0, 3.0, -1.0, 0.0]]))  # −ρA, and 0 where the clip holds
    assert ppo.clip_fraction(logprobs, old, advantages, weights, 0.2).tolist() == [4, 2, 2]
    mean, variance = mean_and_variance(ppo.ratio_moments(logprobs, old, weights))
    assert (float(mean), float(variance)) == pytest.approx((1, 1 / 3))


def test_the_value_clip_worked_by_hand():
    """V − R = −1, clipped −1.5: the worse counts, without gradient; then 1 against 0.5; then both alike within the clip."""
    values, old = tensor([[2.0, 2.0, 1.2]]).requires_grad_(), torch.ones(1, 3)
    returns, mask = tensor([[3.0, 1.0, 2.2]]), torch.ones(1, 3)
    loss = ppo.value_loss(values, old, returns, mask, 0.5)
    loss.backward()
    assert_close(loss.detach(), tensor(0.5 * (2.25 + 1 + 1)))
    assert_close(values.grad, tensor([[0.0, 1.0, -1.0]]))
    assert_close(ppo.value_loss(values.detach(), old, returns, mask, None), tensor(1.5))


def test_at_ratio_one_the_gradient_is_the_plain_policy_gradient():
    torch.manual_seed(0)
    network, inputs, actions = torch.nn.Linear(5, 7), torch.randn(3, 4, 5), torch.randint(7, (3, 4, 1))
    advantages, weights = torch.randn(3, 4), torch.ones(3, 4)
    weights[1, 2:] = 0

    def gradient(loss_of):
        network.zero_grad()
        loss_of(network(inputs).log_softmax(-1).gather(2, actions)[..., 0]).backward()
        return network.weight.grad.clone()

    plain = gradient(lambda logprobs: -(weights * advantages * logprobs).sum())
    # the very tensor as its own past: it must count as a constant
    assert_close(gradient(lambda logprobs: ppo.policy_loss(logprobs, logprobs, advantages, weights, 0.2)), plain)


@pytest.mark.parametrize("gap", [200.0, -200.0])
@pytest.mark.parametrize("advantage", [1.0, -1.0])
def test_a_ratio_that_would_overflow_leaves_loss_and_gradient_finite(gap, advantage):
    logprobs = tensor([[gap - 1]], requires_grad=True)
    old, one = tensor([[-1.0]]), torch.ones(1, 1)
    loss = ppo.policy_loss(logprobs, old, one * advantage, one, 0.2) + ppo.kl_penalty_loss(logprobs, old, one)
    loss.backward()
    assert loss.isfinite()
    assert logprobs.grad.isfinite().all()


def test_k3_of_a_policy_that_hardly_moved_is_not_lost_in_rounding():
    x = torch.linspace(-1e-3, 1e-3, 11)[None]
    found = ppo.token_kl(x, torch.zeros_like(x), torch.ones_like(x), "k3").double()
    assert_close(found, torch.expm1(-x.double()) + x.double(), rtol=1e-2, atol=1e-10)


def test_entropies():
    logits = torch.from_numpy(np.random.default_rng(0).normal(scale=2, size=(3, 4, 9))).float()
    p = np.exp(logits.double().numpy())
    p /= p.sum(-1, keepdims=True)
    assert_close(ppo.entropies(logits), torch.from_numpy(-(p * np.log(p)).sum(-1)).float())


def test_a_token_of_no_chance_adds_no_entropy():
    logits = tensor([0.0, 0.0, float("-inf")], requires_grad=True)
    found = ppo.entropies(logits)
    found.backward()
    assert float(found.detach()) == pytest.approx(np.log(2))
    assert_close(logits.grad, torch.zeros(3))


@needs_peers
def test_kl_of_the_peers():
    group = peers("kl_penalty")
    logprobs, reference = tensor(group["logp"]), tensor(group["ref_logp"])
    mask = torch.ones_like(logprobs)
    assert_close(ppo.token_kl(logprobs, reference, mask, "k1"), tensor(group["k1_kl"]))
    assert_close(ppo.token_kl(logprobs, reference, mask, "k1").abs(), tensor(group["abs"]))
    assert_close(ppo.token_kl(logprobs, reference, mask, "k2"), tensor(group["mse_half_sq"]))
    for case in group["full_kl"]:  # what k1 and k3 estimate: their mean under p is the divergence
        p, q = tensor(case["p"]), tensor(case["q"])
        for kind in ("k1", "k3"):
            found = (p * ppo.token_kl(p.log(), q.log(), torch.ones_like(p), kind)).sum(1)
            assert_close(found, tensor(case["expected"]), atol=1e-4, rtol=0)


@needs_peers
def test_loss_aggregation_of_the_peers():
    """At ratio 1 a token's loss is −A, so the aggregation of any loss can be read off."""
    for case in peers("loss_aggregation")["cases"]:
        loss, mask = tensor(case["loss"]).float(), tensor(case["mask"]).float()
        zeros = torch.zeros_like(loss)
        if "token_mean" in case:
            ranks = [ppo.policy_loss(zeros[s], zeros[s], -loss[s], mask[s], 0.2) for s in (slice(0, 2), slice(2, 3))]
            world, tokens = len(ranks), mask.sum()
            assert float(sum(rank * world / tokens for rank in ranks) / world) == pytest.approx(case["token_mean"])
        else:
            weights = mask / mask.sum(1, keepdim=True).clamp(min=1)
            programs = (mask.sum(1) > 0).sum()
            found = ppo.policy_loss(zeros, zeros, -loss, weights, 0.2) / programs
            assert float(found) == pytest.approx(case["seq_mean_token_mean"])


@needs_peers
def test_clipped_loss_of_a_peer():
    case = peers("loss_aggregation")["ppo_clip"]
    logprobs, mask = tensor(case["logp"]), tensor(case["mask"]).float()
    found = ppo.policy_loss(logprobs, logprobs - tensor(case["delta"]), tensor(case["adv"]), mask, case["clip"])
    assert float(found / mask.sum()) == pytest.approx(case["expected"], rel=1e-5)


def test_bad_input_is_named():
    mask = torch.ones(2, 2)
    with pytest.raises(ValueError, match="'k4' is not one of k1, k2, k3"):
        ppo.token_kl(mask, mask, mask, "k4")
    with pytest.raises(ValueError, match=r"shape \(2, 2, 1\) is not that of the mask"):
        ppo.value_loss(mask[..., None], mask, mask, mask, 0.2)
