import pytest
import torch
from torch import nn
from torch.testing import assert_close

from core import sft
from core.actor_critic import Actor, ActorCritic, Critic, without_dropout
from core.policy import check_head
from tests.core import tiny

CPU = torch.device("cpu")
ROWS = [sft.Example((1, 2, 3), (5, 6)), sft.Example((4,), (7, 8, 9, 10)), sft.Example((4, 1, 2, 3, 4), (7,))]


def alone(network, row):
    """Logits [completion, V] of one row, without a batch around it."""
    return network(torch.tensor([row.prompt + row.completion])).logits[0, len(row.prompt) - 1 : -1]


def test_scores_are_those_of_each_row_alone():
    network = tiny.network()
    with torch.no_grad():
        logprobs, entropies, values = Actor(network)(sft.collate(ROWS, 0, CPU), True)
        assert values is None
        for i, row in enumerate(ROWS):
            n = len(row.completion)
            expected = torch.distributions.Categorical(logits=alone(network, row))
            assert_close(logprobs[i, :n], expected.log_prob(torch.tensor(row.completion)), atol=1e-4, rtol=0)
            assert_close(entropies[i, :n], expected.entropy(), atol=1e-4, rtol=0)
            assert (logprobs[i, n:] == 0).all()
            assert (entropies[i, n:] == 0).all()


def test_what_is_only_watched_has_no_gradient():
    network = tiny.network()
    logprobs, entropies, _ = Actor(network)(sft.collate(ROWS, 0, CPU), True)
    assert logprobs.requires_grad
    assert not entropies.requires_grad


def of_shared(network):
    both = ActorCritic(network)
    nn.init.normal_(both.value_head.weight)
    return lambda batch: both(batch).values


def of_separate(network):
    critic = Critic(network)
    nn.init.normal_(critic.value_head.weight)
    return critic


@pytest.mark.parametrize("values_of", [of_shared, of_separate])
def test_a_value_knows_what_stands_before_its_token_and_nothing_else(values_of):
    row = sft.Example((1, 2, 3), (5, 6, 7, 8))
    other = sft.Example((1, 2, 3), (5, 6, 9, 8))
    with torch.no_grad():
        values = values_of(tiny.network())(sft.collate([row, other], 0, CPU))
    assert_close(values[0, :3], values[1, :3])
    assert abs(float(values[0, 3] - values[1, 3])) > 1e-3


def test_values_are_zero_at_first():
    batch = sft.collate(ROWS, 0, CPU)
    assert not Critic(tiny.network())(batch).any()
    assert not ActorCritic(tiny.network())(batch).values.any()


def test_without_dropout_training_mode_scores_as_evaluation_mode_does():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    network = GPT2LMHeadModel(GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=32, attn_pdrop=0.5))
    llama = tiny.network()
    llama.model.layers[0].self_attn.attention_dropout = 0.5
    for model in (network, llama):
        batch = sft.collate(ROWS, 0, CPU)
        actor = Actor(without_dropout(model))
        assert_close(actor.train()(batch).logprobs, actor.eval()(batch).logprobs)


def test_a_model_that_caps_its_logits_is_refused():
    from transformers import Gemma2Config, Gemma2ForCausalLM

    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "head_dim": 16}
    network = Gemma2ForCausalLM(Gemma2Config(vocab_size=50, num_key_value_heads=2, initializer_range=2.0, **shape))
    with pytest.raises(ValueError, match=r"model 'capped' \(gemma2\) scales or caps the logits"):
        check_head(network, "capped")
    check_head(tiny.network(), "plain")
