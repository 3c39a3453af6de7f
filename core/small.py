"""A small Llama from scratch, with a tokenizer made of the text it is to learn: for experiments on a laptop."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from core.policy import Policy

SPEC = re.compile(r"new:(\d+)x(\d+)")
VOCABULARY = 1024  # at most; 256 of them single bytes, so that any text can be written
HEAD = 32  # numbers a head
PIECES = r"\n *| ?\w+| ?[^\w\s]+|\s+"  # a token is at most one of these: a word, signs, or a line feed with its indentation


def shape_of(spec: str) -> tuple[int, int]:
    """(layers, width) of `new:LAYERSxWIDTH`. ValueError: another form, or a width that heads of 32 do not fill."""
    found = SPEC.fullmatch(spec)
    if found is None or int(found[1]) < 1 or int(found[2]) % HEAD or int(found[2]) < HEAD:
        raise ValueError(
            f"model path {spec!r}: a new model is new:LAYERSxWIDTH, the width a multiple of {HEAD}, such as new:4x192"
        )
    return int(found[1]), int(found[2])


def new_policy(spec: str, texts: Sequence[str], longest: int, device: torch.device, author: str, seed: int) -> Policy:
    """The model of `spec`, random, in float32; `texts` train its tokenizer, `longest` is its context in tokens."""
    layers, width = shape_of(spec)
    words = tokenizer_of(texts)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=width,
        intermediate_size=width * 8 // 3 // HEAD * HEAD,
        num_hidden_layers=layers,
        num_attention_heads=width // HEAD,
        num_key_value_heads=width // HEAD,
        max_position_embeddings=longest,
        tie_word_embeddings=True,
        eos_token_id=words.eos_token_id,
        pad_token_id=words.pad_token_id,
        bos_token_id=None,
    )
    return Policy(LlamaForCausalLM(config).to(device).eval(), words, device, author)


def tokenizer_of(texts: Sequence[str]) -> PreTrainedTokenizerFast:
    """Byte-level BPE whose merges never cross a piece."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PIECES), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, min_frequency=2, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", pad_token="<end>")
