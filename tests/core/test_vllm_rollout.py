"""Each test runs on a stand-in, and with `-m slow` on vLLM itself, its CPU build too, where it is installed."""

import os
import sys
from unittest import mock

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from core import rollout
from core.policy import Policy
from core.vllm_rollout import VLLMSampler, seed_of
from tests.core import stand_in_vllm, tiny
from tests.core.processes import finish, launched

PROMPTS = [[5, 6, 7], [9], [20, 21, 22, 23, 24, 25], [40, 41]]
LENGTH = 24


def policy(seed=0):
    """Heads of 64, which vLLM's kernels take; ends are frequent, by fence and by token."""
    words = tiny.tokenizer()
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=128,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        eos_token_id=7,  # not the tokenizer's: it must not end a sample
        bos_token_id=None,
        initializer_range=0.1,
    )
    model = LlamaForCausalLM(config).eval()
    with torch.no_grad():
        model.lm_head.weight[words.eos_token_id] *= 2
        for token in words("\n```").input_ids:
            model.lm_head.weight[token] *= 4
    return Policy(model, words, torch.device("cpu"), "tiny")


@pytest.fixture(scope="module", params=["stand-in", pytest.param("vllm", marks=pytest.mark.slow)])
def sampler(request, tmp_path_factory):
    with mock.patch.dict(os.environ), pytest.MonkeyPatch.context() as patch:
        os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB
        if request.param == "stand-in":
            stand_in_vllm.put_in_place(patch)
        else:
            pytest.importorskip("vllm")
        made = VLLMSampler(policy(), gpu_share=0.2, max_model_len=64, eager=True)
        yield made
        made.close()
        assert not torch.distributed.is_initialized()


def fleeting(of):
    """The weights of a policy, each whole only while it is handed over, as at ZeRO-3."""
    for name, parameter in of.model.named_parameters():
        tensor = parameter.detach().clone()
        yield name, tensor
        tensor.fill_(torch.nan)


def drawn(sampler, of, seed=3, prompts=PROMPTS, n=3, temperature=0.9, top_p=0.95, **more):
    sampler.refresh(fleeting(of))
    return sampler.sample(prompts, n, temperature, top_p, LENGTH, seed, **more)


@pytest.mark.parametrize("seed", [0, 1])
def test_likelihoods_are_those_of_the_policy_that_was_handed_over(sampler, seed):
    of = policy(seed)
    flat = [(prompt, each) for prompt, group in zip(PROMPTS, drawn(sampler, of), strict=True) for each in group]
    scored = rollout.score(of, [prompt for prompt, _ in flat], [each.token_ids for _, each in flat])
    assert [each.logprob_sum for _, each in flat] == pytest.approx(scored, abs=0.02)
    assert all(sum(each.logprobs) == pytest.approx(each.logprob_sum) for _, each in flat)


def test_a_sample_ends_where_ours_do(sampler):
    of = policy()
    ends = rollout.Ends(of.tokenizer)
    samples = [each for group in drawn(sampler, of, n=16) for each in group]
    for each in samples:
        ids = list(each.token_ids)
        at = [length for length in range(1, len(ids) + 1) if ends.at(ids[:length])]
        assert at == ([len(ids)] if each.finished else [])
        assert each.finished or len(ids) == LENGTH
        assert each == rollout.rollout(of, ids, each.logprob_sum, each.finished, each.logprobs)
    last = {each.token_ids[-1] == of.tokenizer.eos_token_id for each in samples if each.finished}
    assert last == {True, False}  # both kinds of end
    assert not all(each.finished for each in samples)


def test_a_sample_is_handed_over_as_soon_as_it_has_ended(sampler):
    handed, unfinished = [], []

    def take(row, each):
        handed.append((row, each))
        unfinished.append(sampler.engine.has_unfinished_requests())

    groups = drawn(sampler, policy(), n=4, on_done=take)
    assert dict(handed) == {i * 4 + j: each for i, group in enumerate(groups) for j, each in enumerate(group)}
    assert len(handed) == 16
    assert unfinished[0]


def test_samples_follow_from_seed_prompt_and_sample(sampler):
    whole = drawn(sampler, policy())
    assert drawn(sampler, policy()) == whole
    assert drawn(sampler, policy(), seed=4) != whole
    assert drawn(sampler, policy(1)) != whole
    assert len({each.token_ids for each in whole[0]}) > 1
    for rank in range(2):
        of_rank = drawn(sampler, policy(), prompts=PROMPTS[rank::2], rank=rank, world=2)
        assert [[each.token_ids for each in group] for group in of_rank] == [
            [each.token_ids for each in group] for group in whole[rank::2]
        ]


def test_top_p_takes_part_and_leaves_likelihoods_alone(sampler):
    of = policy()
    narrow = drawn(sampler, of, top_p=0.01)
    for prompt, group in zip(PROMPTS, narrow, strict=True):
        assert len({each.token_ids for each in group}) == 1  # the likeliest token alone
        assert group[0].logprob_sum == pytest.approx(rollout.score(of, [prompt], [group[0].token_ids])[0], abs=0.02)
        assert group[0].logprob_sum < -0.1


def test_there_is_no_sample_without_fresh_weights(sampler):
    drawn(sampler, policy())
    with pytest.raises(RuntimeError, match="refresh"):
        sampler.sample(PROMPTS, 1, 1.0, 1.0, LENGTH, 0)
    with pytest.raises(ValueError, match=r"missing, such as lm_head\.weight"):
        sampler.refresh((name, tensor) for name, tensor in fleeting(policy()) if name != "lm_head.weight")
    sampler.refresh(fleeting(policy()))
    with pytest.raises(ValueError, match="prompt of 41 tokens and max_new_tokens 24 are over max_model_len 64"):
        sampler.sample([[5] * 41], 1, 1.0, 1.0, LENGTH, 0)


@pytest.mark.parametrize("sampler", ["stand-in"], indirect=True)
def test_the_engine_sleeps_between_phases(sampler):
    drawn(sampler, policy())
    sampler.engine.calls.clear()
    drawn(sampler, policy())
    assert sampler.engine.calls == ["wake weights", "reload", "reset", "wake kv_cache", "sleep"]


def test_seeds_are_all_different():
    assert len({seed_of(*each) for each in [(0, 0, 0), (0, 0, 1), (0, 1, 0), (1, 0, 0), (-1, 0, 0), (1, 2, 3), (1, 3, 2)]}) == 7
    assert 0 <= seed_of(1, 2, 3) < 2**63


def test_a_sampler_that_cannot_be_says_why(monkeypatch):
    stand_in_vllm.put_in_place(monkeypatch)
    monkeypatch.setattr(sys.modules["vllm.platforms"].current_platform, "is_cpu", lambda: True)
    of = policy()
    of.model.config.tie_word_embeddings = True
    with mock.patch.dict(os.environ), pytest.raises(ValueError, match="tied embeddings"):
        VLLMSampler(of, 0.3, 64)
    monkeypatch.setitem(sys.modules, "vllm", None)
    with pytest.raises(ValueError, match=r"pip install -e '\.\[vllm\]'"):
        VLLMSampler(policy(), 0.3, 64)
    with pytest.raises(ValueError, match=r"gpu_share 1\.5"):
        VLLMSampler(policy(), 1.5, 64)


@pytest.mark.slow
def test_two_ranks_draw_what_one_draws(tmp_path):
    pytest.importorskip("vllm")
    if torch.cuda.is_available() and torch.cuda.device_count() < 2:
        pytest.skip("two ranks need a GPU each")
    printed = [finish(launched("tests.core.one_vllm_rank", ranks, str(tmp_path))) for ranks in (0, 2)]
    one, two = (sorted(line for line in text.splitlines() if line.startswith("sample")) for text in printed)
    assert len(one) == len(PROMPTS) * 2
    assert one == two
