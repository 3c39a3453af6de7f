import json
from pathlib import Path

import numpy as np
import pytest

from core import replay
from core.options import ReplayOptions


def test_likelihoods():
    sums, counts = np.log([0.25, 0.001]), np.array([2.0, 3.0])
    np.testing.assert_allclose(replay.likelihoods(sums, counts, "geometric_mean"), [0.5, 0.1])
    np.testing.assert_allclose(replay.likelihoods(sums, counts, "product"), [0.25, 0.001])


def test_p2value_eq_6():
    np.testing.assert_allclose(replay.p2value(np.array([0.8, 0.1]), np.array([0.5, 1.0]), 0.25), [0.575, 0.775])


def test_proportional_eq_7():
    np.testing.assert_allclose(replay.draw_probabilities(np.array([0.1, 0.3, 0.6]), "proportional", 1.0), [0.1, 0.3, 0.6])
    # squares: 1, 9, 36 of 46
    np.testing.assert_allclose(
        replay.draw_probabilities(np.array([0.1, 0.3, 0.6]), "proportional", 2.0), np.array([1, 9, 36]) / 46
    )
    np.testing.assert_allclose(replay.draw_probabilities(np.array([0.1, 0.9]), "proportional", 0.0), [0.5, 0.5])


def test_rank_eq_8_ties_keep_their_order():
    # ranks 2, 1, 3, 4: 1/2, 1, 1/3, 1/4 of 25/12
    found = replay.draw_probabilities(np.array([0.5, 0.9, 0.5, 0.5]), "rank", 1.0)
    np.testing.assert_allclose(found, np.array([6, 12, 4, 3]) / 25)


@pytest.mark.parametrize("priority", replay.PRIORITIES)
@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0], [0.0, 1.0], [1e-300, 1.0]])
@pytest.mark.parametrize("exponent", [0.0, 1.0, 200.0])
def test_every_probability_is_above_zero_and_they_sum_to_one(priority, values, exponent):
    found = replay.draw_probabilities(np.array(values), priority, exponent)
    assert (found > 0).all()
    assert found.sum() == pytest.approx(1)


def test_draws_are_seeded_and_follow_the_probabilities():
    probabilities = np.array([0.7, 0.2, 0.1])
    drawn = replay.times_drawn(probabilities, 10_000, seed=3)
    assert drawn.sum() == 10_000
    np.testing.assert_allclose(drawn / 10_000, probabilities, atol=0.02)
    assert (drawn == replay.times_drawn(probabilities, 10_000, seed=3)).all()
    assert (drawn != replay.times_drawn(probabilities, 10_000, seed=4)).any()


def test_importance_weights():
    # N·P = 0.3, 0.9, 1.8; ^-1 = 10/3, 10/9, 5/9; over the largest
    np.testing.assert_allclose(replay.importance_weights(np.array([0.1, 0.3, 0.6]), 1.0), [1, 1 / 3, 1 / 6])
    assert (replay.importance_weights(np.array([0.1, 0.9]), 0.0) == 1).all()


PEERS = Path(__file__).parents[3] / "shared" / "data" / "peer_cases.json"


@pytest.mark.skipif(not PEERS.is_file(), reason="the peers' test cases are not at hand")
def test_the_peers_agree():
    facts = json.loads(PEERS.read_text())["prioritized_replay"]["facts"]
    powers = next(fact for fact in facts if "tree_after_alpha_change" in fact)
    expected = np.array(powers["tree_after_alpha_change"])
    found = replay.draw_probabilities(np.array(powers["priorities"], dtype=float), "proportional", powers["alpha"][1])
    np.testing.assert_allclose(found, expected / expected.sum())
    weight = next(fact for fact in facts if "weight_at_max" in fact)
    probabilities = replay.draw_probabilities(np.linspace(0.1, 2.0, 64), "proportional", weight["alpha"])
    found = replay.importance_weights(probabilities, weight["beta"])
    assert found.max() == found[0] == 1
    assert found[-1] == pytest.approx(weight["weight_at_max"], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (ReplayOptions(priority="best"), "'best' is not one of proportional, rank"),
        (ReplayOptions(likelihood="sum"), "'sum' is not one of geometric_mean, product"),
        (ReplayOptions(weight=1.5), "weight 1.5"),
        (ReplayOptions(exponent=-1), "exponent"),
        (ReplayOptions(draws=0), "draws 0"),
    ],
)
def test_bad_options_are_named(options, said):
    with pytest.raises(ValueError, match=said):
        replay.check(options)
