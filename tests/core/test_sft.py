import pytest
import torch

from core import sft
from core.options import SFTOptions
from tests.core import tiny


def examples(count):
    return [sft.Example(tuple(range(1, 4 + i)), tuple(range(5, 7 + 2 * i))) for i in range(count)]


def test_every_epoch_is_a_permutation_and_steps_are_pure():
    options = SFTOptions(batch_size=4, epochs=2, seed=7)
    assert sft.steps_of(10, options) == 6
    epochs = [[i for step in range(start, start + 3) for i in sft.batch_of(10, step, options)] for start in (0, 3)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(10))] * 2
    assert epochs[0] != epochs[1]
    assert sft.batch_of(10, 4, options) == epochs[1][4:8]


@pytest.mark.parametrize("world", [1, 2, 3])
@pytest.mark.parametrize("count", [8, 3, 1])
def test_micro_batches_hold_each_example_once_and_ranks_take_as_many(world, count):
    options = SFTOptions(batch_size=8, micro_batch_size=2)
    shares = [sft.micro_batches(examples(count), rank, world, options) for rank in range(world)]
    assert {len(share) for share in shares} == {sft.accumulation_of(options, world)}
    real = [example for share in shares for rows in share for example in rows if example.weight]
    assert sorted(real, key=lambda e: len(e.prompt)) == examples(count)


def test_log_probabilities_are_those_of_each_row_alone():
    network = tiny.network()
    rows = examples(4)
    batch = sft.collate(rows, 0, torch.device("cpu"))
    with torch.no_grad():
        found = sft.token_logprobs(network, batch)
        for i, row in enumerate(rows):
            whole = torch.tensor([row.prompt + row.completion])
            logp = network(whole).logits.log_softmax(-1)[0, len(row.prompt) - 1 : -1]
            alone = logp.gather(1, torch.tensor(row.completion)[:, None])[:, 0]
            torch.testing.assert_close(found[i, : len(row.completion)], alone, atol=1e-4, rtol=0)
            assert batch.weights[i].sum() == len(row.completion)


def test_the_prompt_and_the_padding_get_no_gradient():
    network = tiny.network()
    rows = [sft.Example((1, 2, 3), (5, 6)), sft.Example((4,), (7, 8, 9))]

    def gradient(pad):
        network.zero_grad()
        batch = sft.collate(rows, pad, torch.device("cpu"))
        (sft.token_logprobs(network, batch) * batch.weights).sum().backward()
        return network.model.layers[0].self_attn.q_proj.weight.grad.clone()

    torch.testing.assert_close(gradient(0), gradient(11), atol=1e-5, rtol=1e-5)


def test_learning_rate_rises_then_falls_to_zero():
    options = SFTOptions(learning_rate=1.0, warmup_fraction=0.2)
    rates = [sft.learning_rate(step, 10, options) for step in range(11)]
    assert rates == pytest.approx([0.5, 1, 1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0])
    assert sft.learning_rate(0, 5, SFTOptions(learning_rate=1.0, warmup_fraction=0.0)) == 1.0
    assert sft.learning_rate(4, 5, SFTOptions(learning_rate=1.0, warmup_fraction=1.0)) == 1.0


@pytest.mark.parametrize("field", ["epochs", "batch_size", "micro_batch_size", "max_length", "checkpoint_every_steps"])
def test_bad_options_are_named(field):
    with pytest.raises(ValueError, match=f"{field} 0"):
        sft.check(SFTOptions(**{field: 0}))
    with pytest.raises(ValueError, match="zero_stage 4"):
        sft.check(SFTOptions(zero_stage=4))
