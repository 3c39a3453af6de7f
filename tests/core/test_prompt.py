import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.prompt import END, PREFILL, completion_for, extract_program, messages_for, program_of, prompt_ids
from sandbox.problem import Problem
from tests.core import tiny


def problem(**fields):
    return Problem(**({"problem_id": "x", "question": "Add.", "mode": "stdin", "inputs": ("1",), "outputs": ("1",)} | fields))


@pytest.mark.parametrize(
    ("answer", "program"),
    [
        ("Sure:\n```python\nx = 1\n```\nThat is all.\n```python\ny\n```", "x = 1"),
        ("```\nx = 1\n```", "x = 1"),
        ("```py\nx = 1\n", "x = 1"),  # cut off: the fence never closes
        ("x = 1\n", "x = 1"),
        ("  ```python\n  x = 1\n  ```", "  x = 1"),
        ("```python\n```", ""),
        ("```python\nx = '```'\ny = 2\n```", "x = '```'\ny = 2"),  # a fence stands on a line of its own
        ("not ( python", "not ( python"),  # never parsed
        ("", ""),
    ],
)
def test_the_first_block_is_the_program(answer, program):
    assert extract_program(answer) == program


@given(st.text(alphabet="ab` \n\t#'", max_size=40))
def test_completion_for_is_the_inverse(text):
    program = text.rstrip()
    if not any(line.strip(" \t").startswith("```") for line in program.split("\n")):
        assert program_of(completion_for(program)) == program


def test_the_prompt_names_what_is_wanted():
    assert "input()" in messages_for(problem())[0]["content"]
    function = problem(mode="call", entry_point="add", inputs=([1],), starter_code="class Solution:\n    def add(self, a):")
    text = messages_for(function)[0]["content"]
    assert "`add`" in text
    assert "class Solution:\n    def add(self, a):" in text


def test_a_signature_that_the_question_holds_is_not_repeated():
    text = messages_for(
        problem(mode="call", entry_point="add", inputs=([1],), question="Write `add(a)`.", starter_code="def add(a):\n")
    )
    assert "Start with" not in text[0]["content"]


def test_the_prompt_ends_with_an_open_fence_with_and_without_a_chat_template():
    words = tiny.tokenizer()
    assert words.decode(prompt_ids(problem(), words)).endswith("Add.\n\n" + PREFILL)
    words.chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    assert words.decode(prompt_ids(problem(), words)).endswith("Add.<assistant>" + PREFILL)
    assert END.strip() == PREFILL[:3]
