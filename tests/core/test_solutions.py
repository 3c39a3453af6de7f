"""SFT on canonical solutions, from nothing."""

import json

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from core.datasets import load_problems
from core.options import ModelOptions, SFTOptions
from core.small import new_policy, shape_of, tokenizer_of
from core.solutions import finetune, policy_for
from results.parts import read_parts
from sandbox.problem import Problem, write_problems
from tests.core.processes import finish, launched


def test_a_tokenizer_of_the_texts_writes_them_in_few_tokens_and_anything_else_too():
    texts = [f"for x in xs:\n    if x > {i}:\n        out.append(x)\n" for i in range(10)]
    words = tokenizer_of(texts)
    ids = words(texts[3], add_special_tokens=False).input_ids
    assert words.decode(ids) == texts[3]
    assert "\n        " in [words.decode([token]) for token in ids]  # a line feed and its indentation are one
    assert len(ids) < 25
    for text in ("naïve → ∑ 你好", "\t\r\n\f", "x" * 50):
        assert words.decode(words(text, add_special_tokens=False).input_ids) == text


@pytest.mark.parametrize("spec", ["new:", "new:4", "new:4x100", "new:0x64", "new:4x0", "small"])
def test_a_wrong_shape_is_refused(spec):
    with pytest.raises(ValueError, match="new:LAYERSxWIDTH"):
        shape_of(spec)


def test_a_new_model_has_its_shape_and_its_seed():
    one, same, other = (new_policy("new:2x64", ["a b c"], 64, torch.device("cpu"), "new", seed) for seed in (1, 1, 2))
    assert (one.model.config.num_hidden_layers, one.model.config.hidden_size) == (2, 64)
    assert torch.equal(one.model.lm_head.weight, same.model.lm_head.weight)
    assert not torch.equal(one.model.lm_head.weight, other.model.lm_head.weight)


def test_nothing_to_learn_from_is_refused(tmp_path):
    write_problems(tmp_path / "p.jsonl.gz", [Problem("p", "?", "stdin", inputs=("",), outputs=("",))])
    with pytest.raises(ValueError, match="no problem has a canonical solution"):
        finetune(ModelOptions(path="new:2x64"), SFTOptions(), tmp_path / "p.jsonl.gz", tmp_path, tmp_path / "m", print)


def test_the_tokenizer_has_seen_prompts_and_solutions():
    problems = load_problems("generated:introductory-5", "train")
    policy = policy_for(ModelOptions(path="new:2x64", device="cpu"), problems, SFTOptions())
    solution = problems[0].canonical_solution
    assert len(policy.tokenizer(solution).input_ids) < len(solution) / 2


@pytest.mark.slow
def test_a_new_model_learns_some_solutions(tmp_path):
    write_problems(tmp_path / "problems.jsonl.gz", load_problems("generated:introductory-12", "train"))
    options = {"learning_rate": 3e-3, "epochs": 12, "batch_size": 6, "micro_batch_size": 6, "max_length": 320, "zero_stage": 1}
    finish(launched("tests.core.one_student", 0, str(tmp_path), "new:2x64", json.dumps(options)))
    steps = read_parts(tmp_path / "sft" / "steps").to_pylist()
    assert len(steps) == 24
    assert steps[-1]["loss"] < 0.5 * steps[0]["loss"]
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "model").config.hidden_size == 64
    assert AutoTokenizer.from_pretrained(tmp_path / "model").eos_token == "<end>"
