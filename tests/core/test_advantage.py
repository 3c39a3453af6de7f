import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import tensor
from torch.testing import assert_close

from core import advantage

PEERS = Path(__file__).parents[3] / "shared" / "data" / "peer_cases.json"
NAN = float("nan")
needs_peers = pytest.mark.skipif(not PEERS.is_file(), reason="the peers' test cases are not at hand")


def peers(group):
    return json.loads(PEERS.read_text())[group]


def rows_of(lengths, columns):
    """The mask [B, C] of right-padded rows."""
    return (torch.arange(columns) < tensor(lengths)[:, None]).float()


def episodes(case):
    """Slices of a peer's flat sequence, each up to its end."""
    ends = [i + 1 for i, done in enumerate(np.maximum(case["terminated"], case["truncated"])) if done]
    bounds = [0, *ends] if ends[-1] == len(case["rew"]) else [0, *ends, len(case["rew"])]
    return [slice(*pair) for pair in pairwise(bounds)]


def padded(sequence, slices):
    """(rows [B, C] with NaN as padding, mask [B, C])."""
    mask = rows_of([s.stop - s.start for s in slices], max(s.stop - s.start for s in slices))
    rows = torch.full(mask.shape, NAN)
    rows[mask > 0] = tensor([float(x) for s in slices for x in sequence[s]])
    return rows, mask


@needs_peers
@pytest.mark.parametrize("number", range(3))
def test_discounted_returns_of_a_peer(number):
    case = peers("discounted_returns")["cases"][number]
    rewards, mask = padded(case["rew"], episodes(case))
    _, returns = advantage.gae(rewards, torch.zeros_like(mask), mask, case["gamma"], 1.0)
    assert_close(returns[mask > 0], tensor(case["returns"]))


@needs_peers
@pytest.mark.parametrize("number", range(2))
def test_gae_returns_of_a_peer(number):
    group = peers("gae_returns")
    case = group["cases"][number]
    # where an episode was cut off, the peer goes on with the next state's value: here, a part of the last reward
    rewards = np.add(case["rew"], group["gamma"] * np.multiply(case["truncated"], case["next_values"]))
    slices = episodes(case)
    rewards, mask = padded(rewards, slices)
    values, _ = padded(np.roll(case["next_values"], 1), slices)
    advantages, returns = advantage.gae(rewards, values, mask, group["gamma"], group["lambda"])
    assert_close(returns[mask > 0], tensor(case["returns_full_precision"]))
    assert_close((advantages + values)[mask > 0], returns[mask > 0])


@needs_peers
@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.3, 1.0), (0.9, 0.0), (0.0, 0.5)])
def test_values_under_the_mask_do_not_matter_even_inside_a_row(gamma, lam):
    group = peers("gae_mask_invariance")
    mask, rewards = tensor([group["mask"]]).float(), tensor([group["rewards"]])
    found = []
    for filler in (0.0, -37.5, NAN):
        values = torch.full_like(mask, filler)
        values[mask > 0] = tensor(group["values_at_mask"])
        advantages, returns = advantage.gae(rewards, values, mask, gamma, lam)
        assert not torch.stack([advantages, returns])[:, mask == 0].any()
        found.append((advantage.whitened(advantages, mask, advantage.moments(advantages, mask)), returns))
    alone = advantage.gae(rewards[mask > 0][None], values[mask > 0][None], torch.ones(1, 5), gamma, lam)[1]
    assert_close(found[0][1][mask > 0], alone[0])
    assert_close(found[1], found[0], rtol=0, atol=0)
    assert_close(found[2], found[0], rtol=0, atol=0)


@needs_peers
def test_masked_numbers_of_the_peers():
    def totals(case):
        x, mask = tensor([float(x) for x in case["x"]]), tensor(case["mask"]).float()
        return x, mask, advantage.moments(x, mask)

    group = peers("masked_stats")
    for case in group["masked_mean"]:
        assert_close(float(advantage.mean_and_variance(totals(case)[2])[0]), float(case["expected"]), equal_nan=True)
    for case in group["masked_var_unbiased"]:
        assert float(advantage.mean_and_variance(totals(case)[2])[1]) == pytest.approx(case["expected"])
    for case in group["masked_whiten"]:
        x, mask, sums = totals(case)
        assert_close(advantage.whitened(x, mask, sums)[mask > 0], tensor(case["expected_on_mask"]))


def batch(seed):
    """Three random tensors [B, C] with NaN as padding, and their mask; one row may be empty."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 8, size=random.integers(2, 6))
    lengths[0] = 7
    mask = rows_of(lengths.tolist(), 7 + seed % 2)
    return *(torch.where(mask > 0, torch.from_numpy(random.normal(size=mask.shape)).float(), NAN) for _ in range(3)), mask


@pytest.mark.parametrize("seed", range(20))
def test_gae_is_the_discounted_sum_of_temporal_differences(seed):
    rewards, values, _, mask = batch(seed)
    gamma, lam = np.random.default_rng([seed, 1]).uniform(size=2)
    advantages, returns = advantage.gae(rewards, values, mask, gamma, lam)
    for row, length in enumerate(mask.sum(1).int().tolist()):
        r, v = rewards[row, :length].double().numpy(), values[row, :length].double().numpy()
        deltas = r + gamma * np.append(v[1:], 0)[:length] - v
        expected = np.zeros(mask.shape[1])
        for t in range(length):
            expected[t] = sum((gamma * lam) ** k * deltas[t + k] for k in range(length - t))
        np.testing.assert_allclose(advantages[row].numpy(), expected, atol=1e-5)
        np.testing.assert_allclose(returns[row, :length].numpy(), expected[:length] + v, atol=1e-5)
        assert (returns[row, length:] == 0).all()


@pytest.mark.parametrize("seed", range(10))
def test_the_reward_falls_on_the_last_token_and_kl_on_each(seed):
    logprobs, reference, rewards, mask = batch(seed)
    reward = rewards[:, 0]  # NaN where a row is empty
    found = advantage.token_rewards(reward, logprobs, reference, mask, 0.05)
    for row, length in enumerate(mask.sum(1).int().tolist()):
        expected = np.zeros(mask.shape[1])
        expected[:length] = -0.05 * (logprobs[row, :length].double() - reference[row, :length].double()).numpy()
        if length:
            expected[length - 1] += float(reward[row])
        np.testing.assert_allclose(found[row].numpy(), expected, atol=1e-6)


def test_the_reward_reaches_the_first_token_whole_when_nothing_is_discounted():
    mask = rows_of([3, 1], 4)
    rewards = advantage.token_rewards(tensor([1.0, -0.3]), mask * -1.0, mask * -1.5, mask, 0.1)
    assert_close(rewards, tensor([[-0.05, -0.05, 0.95, 0.0], [-0.35, 0.0, 0.0, 0.0]]))
    advantages, returns = advantage.gae(rewards, mask * 0.5, mask, 1.0, 1.0)
    assert_close(returns, tensor([[0.85, 0.9, 0.95, 0.0], [-0.35, 0.0, 0.0, 0.0]]))
    assert_close(advantages, tensor([[0.35, 0.4, 0.45, 0.0], [-0.85, 0.0, 0.0, 0.0]]))


def test_no_gradient_flows_into_the_critic_through_its_targets():
    values = torch.ones(1, 2, requires_grad=True)
    assert not any(x.requires_grad for x in advantage.gae(torch.ones(1, 2), values, torch.ones(1, 2), 1.0, 0.95))


@pytest.mark.parametrize("seed", range(10))
def test_whitening_over_uneven_ranks_is_that_of_one(seed):
    x, _, _, mask = batch(seed)
    x = 1000 + x  # a mean far from 0: the sums must not lose the variance
    totals = advantage.moments(x, mask)
    whole = advantage.whitened(x, mask, totals)
    real = x[mask > 0].double().numpy()
    np.testing.assert_allclose(whole[mask > 0].numpy(), (real - real.mean()) / real.std(ddof=1), atol=1e-5)
    assert (whole[mask == 0] == 0).all()
    shares = [slice(0, 1), slice(1, None)]
    gathered = sum(advantage.moments(x[share], mask[share]) for share in shares)
    ranks = [advantage.whitened(x[share], mask[share], gathered) for share in shares]
    assert_close(torch.cat(ranks), whole, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("values", "kept"), [([0.1] * 4, [1, 1, 1, 0]), ([5.0, NAN], [1, 0]), ([NAN], [0])])
def test_tokens_without_spread_whiten_to_zero(values, kept):
    x, mask = tensor([values]), tensor([kept]).float()
    assert_close(advantage.whitened(x, mask, advantage.moments(x, mask)), torch.zeros_like(x), rtol=0, atol=1e-3)


def test_moments_of_nothing_have_mean_and_variance_zero():
    totals = advantage.moments(tensor([NAN]), torch.zeros(1))
    assert [float(x) for x in advantage.mean_and_variance(totals)] == [0, 0]


def test_group_advantages_worked_by_hand():
    # means 0.25 and 0 (the dropped one left out); deviations over n - 1: sqrt(4.75 / 3) and 1
    rewards = tensor([1.0, 1.0, 1.0, -2.0, -1.0, NAN, 0.0, 1.0])
    centred = [0.75, 0.75, 0.75, -2.25, -1.0, 0.0, 0.0, 1.0]
    assert_close(advantage.group_relative(rewards, 4, scale_by_std=False), tensor(centred))
    scaled = [x / (6.75 / 3) ** 0.5 for x in centred[:4]] + centred[4:]
    assert_close(advantage.group_relative(rewards, 4, scale_by_std=True), tensor(scaled), rtol=0, atol=2e-6)
    # others' means 0, 0, 0, 1, then 0.5, -, 0, -0.5
    assert_close(advantage.leave_one_out(rewards, 4), tensor([1.0, 1.0, 1.0, -3.0, -1.5, 0.0, 0.0, 1.5]))


@pytest.mark.parametrize("seed", range(10))
def test_group_advantages_against_loops(seed):
    random = np.random.default_rng(seed)
    groups = random.choice([1.0, -0.3, -0.6, -1.0, NAN], size=(5, 4)).astype(np.float32)
    rewards = torch.from_numpy(groups.ravel())
    relative, scaled, others = np.zeros((3, 5, 4))
    for g, group in enumerate(groups.astype(np.float64)):
        present = group[~np.isnan(group)]
        for i, reward in enumerate(group):
            rest = np.delete(group, i)
            rest = rest[~np.isnan(rest)]
            if not np.isnan(reward) and len(rest):
                relative[g, i] = reward - present.mean()
                scaled[g, i] = relative[g, i] / (present.std(ddof=1) + 1e-6)
                others[g, i] = reward - rest.mean()
    for found, expected in (
        (advantage.group_relative(rewards, 4, scale_by_std=False), relative),
        (advantage.group_relative(rewards, 4, scale_by_std=True), scaled),
        (advantage.leave_one_out(rewards, 4), others),
    ):
        np.testing.assert_allclose(found.numpy(), expected.ravel(), atol=1e-6)


def test_a_group_of_equal_rewards_teaches_nothing_at_all():
    rewards = tensor([-0.3] * 7 + [NAN] * 7 + [NAN] * 6 + [1.0])  # 7 · -0.3 is rounded in float32
    for found in (
        advantage.group_relative(rewards, 7, scale_by_std=True),
        advantage.group_relative(rewards, 7, scale_by_std=False),
        advantage.leave_one_out(rewards, 7),
    ):
        assert (found == 0).all()


def test_shapes_that_would_broadcast_are_refused():
    mask = torch.ones(3, 3)
    with pytest.raises(ValueError, match=r"shape \(3, 3, 1\) is not that of the mask, \(3, 3\)"):
        advantage.gae(mask, mask[..., None], mask, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"reward of shape \(3, 1\) is not one for each of the mask's 3 rows"):
        advantage.token_rewards(torch.ones(3, 1), mask, mask, mask, 0.1)
    with pytest.raises(ValueError, match="7 rewards are not whole groups of n 3"):
        advantage.group_relative(torch.ones(7), 3, scale_by_std=True)
    with pytest.raises(ValueError, match="n is 2 or more"):
        advantage.leave_one_out(torch.ones(7), 1)
