from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from core.actor_critic import Actor, ActorCritic, Critic
from core.attempts import Attempt, Task
from core.models import Models
from core.options import PPOOptions
from core.rollout import sample
from core.score import by_length, score
from tests.core import tiny

POLICY = tiny.policy()
PROMPTS = [[5, 6, 7], [8, 9], [10, 11, 12, 13, 14, 15]]


def attempts():
    """Six rollouts of unequal lengths."""
    groups = sample(POLICY, PROMPTS, 2, 1.0, 1.0, 8, seed=0)
    made = []
    for i, prompt in enumerate(PROMPTS):
        for j, rollout in enumerate(groups[i]):
            n = min(1 + 3 * i + j, rollout.token_count)
            cut = replace(rollout, token_ids=rollout.token_ids[:n], logprobs=rollout.logprobs[:n])
            made.append(Attempt(Task(tiny.problem(i), tuple(prompt), (0,)), 0, tuple(prompt), "", cut, "", ""))
    return made


def models(critic=None, actor=None):
    reference = Actor(tiny.network(1, len(POLICY.tokenizer)))
    return Models(actor or Actor(POLICY.model), critic, reference, 0, torch.device("cpu"))


@pytest.mark.parametrize("micro_batch_size", [1, 2, 8])
def test_each_rollout_keeps_its_row(micro_batch_size):
    critic = Critic(tiny.network(2, len(POLICY.tokenizer)))
    nn.init.normal_(critic.value_head.weight)
    made, calls = attempts(), []
    options = PPOOptions(micro_batch_size=micro_batch_size)
    together = score(models(critic), made, options, True, lambda: calls.append(1))
    assert len(calls) == -(-6 // (2 * micro_batch_size))
    for i, each in enumerate(made):
        n = len(each.rollout.logprobs)
        alone = score(models(critic), [each], options, True, lambda: None)
        for name in ("logprobs", "reference", "values", "tokens"):
            assert_close(getattr(together, name)[i, :n], getattr(alone, name)[0, :n], atol=1e-4, rtol=0)
        assert together.tokens[i].sum() == n
        assert_close(together.logprobs[i, :n], torch.tensor(each.rollout.logprobs), atol=1e-4, rtol=0)  # as sampling found them


def test_a_shared_trunk_says_the_values():
    both = ActorCritic(POLICY.model)
    nn.init.normal_(both.value_head.weight)
    found = score(models(actor=both), attempts(), PPOOptions(critic="shared"), False, lambda: None)
    assert (found.values != 0).float().sum() == found.tokens.sum()
    assert not found.gap.any()
    without = score(models(), attempts(), PPOOptions(advantage="group"), False, lambda: None)
    assert not without.values.any()


def test_groups_are_of_similar_length_and_hold_each_row_once():
    examples = [SimpleNamespace(prompt=range(a), completion=range(b)) for a, b in ((9, 1), (1, 1), (5, 5), (2, 1), (3, 1))]
    assert by_length(examples, [0, 1, 2, 3, 4], 2) == [[1, 3], [4, 0], [2]]
