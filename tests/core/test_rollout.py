import pytest
import torch

from core import rollout
from tests.core import tiny

PROMPTS = [[5, 6, 7], [9], [20, 21, 22, 23, 24, 25], [40, 41]]


@pytest.fixture(scope="module")
def policy():
    return tiny.policy()


def test_a_likelihood_is_the_sum_under_teacher_forcing(policy):
    drawn = rollout.beam_search(policy, PROMPTS, 3, 12)
    drawn = [a + b for a, b in zip(drawn, rollout.sample(policy, PROMPTS, 3, 0.7, 0.9, 12, seed=1), strict=True)]
    flat = [(prompt, r) for prompt, group in zip(PROMPTS, drawn, strict=True) for r in group]
    assert all(r.token_count == len(r.token_ids) <= 12 for _, r in flat)
    found = rollout.score(policy, [prompt for prompt, _ in flat], [r.token_ids for _, r in flat], rows_at_once=5)
    assert [r.logprob_sum for _, r in flat] == pytest.approx(found, abs=1e-3)


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_beams_are_those_of_transformers(seed, monkeypatch):
    monkeypatch.setattr(rollout, "END", "no text holds this\0")  # theirs end at the end-of-text token alone
    policy = tiny.policy(seed)
    with torch.no_grad():
        policy.model.lm_head.weight[0] *= 3  # ends come often
    length, k = 10, 3
    found = rollout.beam_search(policy, PROMPTS, k, length)
    assert any(r.finished for group in found for r in group)
    for prompt, group in zip(PROMPTS, found, strict=True):
        theirs = policy.model.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
            num_beams=k,
            num_return_sequences=k,
            max_new_tokens=length,
            do_sample=False,
            return_dict_in_generate=True,
            output_scores=True,
        )
        means = [r.logprob_sum / r.token_count for r in group]
        assert means == pytest.approx(theirs.sequences_scores.tolist(), abs=1e-3)  # theirs are divided by the length
        for ours, ids in zip(group, theirs.sequences[:, len(prompt) :].tolist(), strict=True):
            assert list(ours.token_ids) == ids[: ours.token_count]


def test_a_batch_gives_what_each_prompt_gives_alone(policy):
    together = rollout.beam_search(policy, PROMPTS, 2, 8)
    for prompt, group in zip(PROMPTS, together, strict=True):
        (alone,) = rollout.beam_search(policy, [prompt], 2, 8)
        assert [r.token_ids for r in alone] == [r.token_ids for r in group]


def test_samples_hang_on_the_seed_alone(policy):
    draw = lambda seed: rollout.sample(policy, PROMPTS, 4, 1.0, 1.0, 10, seed)  # noqa: E731
    assert draw(3) == draw(3)
    assert draw(3) != draw(4)
    assert len({r.token_ids for r in draw(3)[0]}) > 1


def test_a_low_temperature_is_greedy(policy):
    (group,) = rollout.sample(policy, PROMPTS[:1], 2, 1e-5, 1.0, 6, 0)
    ids = list(PROMPTS[0])
    for token in group[0].token_ids:
        assert int(policy.model(torch.tensor([ids])).logits[0, -1].argmax()) == token
        ids.append(token)
    assert group[0] == group[1]


@pytest.mark.parametrize("top", [512, 3])  # 3: the mass is not reached and all is sorted
def test_nucleus_takes_the_fewest_tokens_that_reach_top_p(monkeypatch, top):
    monkeypatch.setattr(rollout, "TOP", top)
    logits = torch.tensor([[0.1, 0.4, 0.05, 0.25, 0.2]]).log().expand(1000, -1)
    dice = torch.linspace(0, 0.9999, 1000)
    tokens = rollout.nucleus(logits, 1.0, 0.8, dice)
    shares = torch.bincount(tokens, minlength=5) / 1000
    torch.testing.assert_close(shares, torch.tensor([0, 0.4, 0, 0.25, 0.2]) / 0.85, atol=0.002, rtol=0)
    everything = torch.bincount(rollout.nucleus(logits, 1.0, 1.0, dice), minlength=5) / 1000
    torch.testing.assert_close(everything, logits[0].exp(), atol=0.002, rtol=0)


def test_a_closing_fence_ends_a_completion():
    words = tiny.tokenizer()
    ends = rollout.Ends(words)
    ids = words("x = '```'\nprint(x)\n```\nmore").input_ids
    at = [i for i in range(1, len(ids) + 1) if ends.at(ids[:i])]
    assert words.decode(ids[: at[0]]) == "x = '```'\nprint(x)\n```"
    assert ends.at(words("```").input_ids)  # a fence that closes at once
    assert ends.at([5, words.eos_token_id])


def test_the_program_ends_before_the_fence(policy):
    ids = policy.tokenizer("x = 1\n```").input_ids
    assert rollout.rollout(policy, ids, -1.0, True) == rollout.Rollout("x = 1", tuple(ids), -1.0, len(ids), True)
