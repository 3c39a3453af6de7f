import pytest
import torch
from torch.testing import assert_close
from transformers import DynamicCache, MistralConfig

from core.cache import ROOM, RoomyLayer, keep, roomy_cache, without
from tests.core import tiny


def grown(cache, network, rows, steps):
    """The cache and the last logits after `steps` tokens, with `rows(step, present)` chosen before each."""
    torch.manual_seed(1)
    ids = torch.randint(1, 290, (4, 5))
    with torch.no_grad():
        out = network(input_ids=ids, past_key_values=cache, use_cache=True)
        cache.batch_repeat_interleave(2)
        present = list(range(8))
        for step in range(steps):
            chosen = rows(step, len(present))
            keep(cache, chosen)
            present = [present[row] for row in chosen]
            tokens = torch.tensor([[(7 * row + step) % 290 + 1] for row in present])
            out = network(input_ids=tokens, past_key_values=cache, use_cache=True)
    return out.logits


def some_end(step, present):
    """Every third step the row in the middle ends."""
    return without([step % 3 == 1 and place == present // 2 and present > 2 for place in range(present)])


def beams(step, present):
    """Rows are dropped and repeated, as in a beam search."""
    return [(place * 5 + step) % present for place in range(present)]


@pytest.mark.parametrize("rows", [some_end, beams])
def test_it_holds_what_transformers_own_cache_holds(rows):
    network = tiny.network()
    steps = 2 * ROOM + 3  # room is made more than once
    theirs, ours = DynamicCache(config=network.config), roomy_cache(network.config)
    expected = grown(theirs, network, rows, steps)
    assert_close(grown(ours, network, rows, steps), expected)
    for layer, other in zip(ours.layers, theirs.layers, strict=True):
        assert_close(layer.keys, other.keys)
        assert_close(layer.values, other.values)


def test_a_step_copies_nothing():
    layer = RoomyLayer()
    states = torch.ones(2, 1, 3, 4)
    layer.update(states, states)
    address = layer.keys.data_ptr()
    for _ in range(5):
        layer.update(states[:, :, :1], states[:, :, :1])
    assert layer.keys.data_ptr() == address
    assert layer.keys.shape == (2, 1, 8, 4)


def test_rows_that_go_on_are_moved_as_little_as_can_be():
    assert without([False, True, False, True, False, False]) == [0, 4, 2, 5]
    assert without([False, False]) == [0, 1]
    assert without([True, True]) == []


def test_sliding_windows_stay_transformers_own():
    config = MistralConfig(num_hidden_layers=2, sliding_window=8)
    assert not any(isinstance(layer, RoomyLayer) for layer in roomy_cache(config).layers)
