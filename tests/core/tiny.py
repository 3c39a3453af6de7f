"""A random Llama and a tokenizer trained on the spot: every path of the training floor in seconds, without a download."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from core.policy import Policy
from sandbox.problem import Problem, Program, write_problems, write_programs

torch.set_num_threads(1)  # more threads only wait for each other on a model of this size

TEXT = [
    "```python\ndef add(a, b):\n    return a + b\n```",
    "n = int(input())\nprint(n * 2)\n",
    "for i in range(10):\n    print(i)\n",
]


def tokenizer() -> PreTrainedTokenizerFast:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    made.train_from_iterator(TEXT * 9, trainers.BpeTrainer(vocab_size=300, special_tokens=["<end>"], initial_alphabet=alphabet))
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", pad_token="<end>")


def network(seed: int = 0, vocabulary: int = 300) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        eos_token_id=0,
        pad_token_id=0,
        bos_token_id=None,
        initializer_range=0.3,  # large: likelihoods far apart, so that beams are not ties
    )
    return LlamaForCausalLM(config).eval()


def policy(seed: int = 0) -> Policy:
    words = tokenizer()
    return Policy(network(seed, len(words)), words, torch.device("cpu"), "tiny")


def folder(path: Path) -> Path:
    made = policy()
    made.model.save_pretrained(path)
    made.tokenizer.save_pretrained(path)
    return path


def problem(i: int) -> Problem:
    return Problem(f"p{i}", f"Return a + {i}.", "call", entry_point="add", inputs=([1],), outputs=(1 + i,))


def judged_run(path: Path, problems: int = 6, samples: int = 2) -> tuple[Path, Path, Path]:
    """(problems, programs, judged) of a small run; programs of uneven length, every other one passes half its tests."""
    import pyarrow as pa

    from results import schema
    from results.parts import write_part

    write_problems(path / "problems.jsonl.gz", [problem(i) for i in range(problems)])
    programs, rows = [], []
    for i in range(problems):
        for s in range(samples):
            text = f"def add(a):\n    return a + {i}" + "\n    # more" * (i * s)
            programs.append(Program(f"p{i}", text, s, "tiny", "train", -4.0 if s else None, 12 if s else None))
            row = {"problem_id": f"p{i}", "author": "tiny", "sample": s, "verdict": "pass" if s else "wrong_answer"}
            rows.append(row | {"tests_passed": 2 * s, "tests_total": 2})
    write_programs(path / "programs", "00000", programs)
    write_part(path / "judged" / "programs", "00000", pa.Table.from_pylist(rows, schema=schema.PROGRAMS))
    return path / "problems.jsonl.gz", path / "programs", path / "judged"
