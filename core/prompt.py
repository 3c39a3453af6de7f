"""From a problem to a prompt, and from a model's answer to a program. Nothing here parses the program.

The answer is prefilled with an opening fence, so that a small model starts with code at once, and decoding stops at
the closing fence. What training sees is the same text: prompt, program, closing fence.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.problem import Problem

PREFILL = "```python\n"
END = "\n```"  # decoding stops here: the closing fence, on a line of its own

FENCE = re.compile(r"^[ \t]*```[^\n`]*\n(.*?)(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)


def messages_for(problem: Problem) -> list[dict[str, str]]:
    """The chat that asks for one Python program. Short, and the task last: a small model follows that best."""
    if problem.mode == "stdin":
        form = "Write a Python program that uses input() and print()."
    else:
        form = f"Write a Python function `{problem.entry_point}`."
    parts = [form, problem.question.strip()]
    starter = problem.starter_code.strip()
    if starter.removeprefix("def ").rstrip(":") not in problem.question:
        parts.append(f"Start with:\n{PREFILL}{starter}{END}")
    return [{"role": "user", "content": "\n\n".join(parts)}]


def prompt_ids(problem: Problem, tokenizer: Any) -> list[int]:
    """Token ids of the prompt, opening fence included: the tokenizer's chat template where it has one, else plain text."""
    messages = messages_for(problem)
    if tokenizer.chat_template:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(tokenizer(text + PREFILL, add_special_tokens=False).input_ids)
    return list(tokenizer(messages[0]["content"] + "\n\n" + PREFILL).input_ids)


def completion_for(program: str) -> str:
    """The text a model would write after the prompt for `program`: the inverse of `program_of`."""
    return program.rstrip() + END


def completion_ids(program: str, tokenizer: Any) -> list[int]:
    """Token ids of `completion_for(program)`."""
    return list(tokenizer(completion_for(program), add_special_tokens=False).input_ids)


def program_of(completion: str) -> str:
    """The program in the text that a model wrote after the prompt."""
    return extract_program(PREFILL + completion)


def extract_program(answer: str) -> str:
    """The first fenced block of a chat answer, up to the end where its fence is never closed; without a fence, all of it."""
    block = FENCE.search(answer)
    return (block.group(1) if block else answer).rstrip()
