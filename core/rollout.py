"""Programs drawn from a policy, with their likelihoods: beam search and sampling on one decoding state.

A completion ends with the end-of-text token or with a closing fence; both count as generated. `logprob_sum` is
Σ log p(token | prompt, tokens before it) under the model as it is: neither temperature nor top-p touch it, and it is
not divided by the length. That is BTP's P(t) (arXiv 2410.12236, Algorithm 1), so beams, samples and programs of
another author scored by `score` can be compared.

Prompts and completions are token ids. A batch is laid out as [left-padded prompt | right-padded completion].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from core.cache import keep, roomy_cache, without
from core.policy import Policy
from core.prompt import END, program_of
from core.sft import Example, collate, token_logprobs

Tokens = Sequence[int]
TOP = 512  # tokens looked at before top-p falls back to sorting the whole vocabulary


@dataclass(frozen=True, slots=True)
class Rollout:
    """One generated program. Made here; read by evaluate and the training loops."""

    program: str
    token_ids: tuple[int, ...]  # of the completion, with the end
    logprob_sum: float  # nats
    token_count: int
    finished: bool  # False: cut off at max_new_tokens
    logprobs: tuple[float, ...] = ()  # of each token, nats; of samples only


class Decoding:
    """Rows that grow by a token a step; rows that are done leave the batch, so that nothing is computed for them."""

    def __init__(self, policy: Policy, prompts: Sequence[Tokens], copies: int) -> None:
        self.policy = policy
        self.ids, self.mask = left_padded(prompts, policy.tokenizer.pad_token_id, policy.device)
        self.positions = (self.mask.cumsum(1) - 1).clamp(min=0)
        self.cache = roomy_cache(policy.model.config)
        out = policy.model(
            input_ids=self.ids,
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self.cache.batch_repeat_interleave(copies)
        self.mask, self.positions = (x.repeat_interleave(copies, 0) for x in (self.mask, self.positions[:, -1:]))
        self.logits = out.logits[:, -1].float().repeat_interleave(copies, 0)  # [rows, V]

    def step(self, rows: list[int], tokens: Tensor) -> None:
        """Goes on with `rows` (indices into the present rows, repeats allowed), each grown by its token of `tokens`."""
        if rows != list(range(len(self.mask))):
            keep(self.cache, rows)
            self.mask, self.positions = self.mask[rows], self.positions[rows]
        self.mask = torch.cat([self.mask, self.mask.new_ones(len(rows), 1)], 1)
        self.positions = self.positions + 1
        out = self.policy.model(
            input_ids=tokens[:, None],
            attention_mask=self.mask,
            position_ids=self.positions,
            past_key_values=self.cache,
            use_cache=True,
        )
        self.logits = out.logits[:, -1].float()


@torch.inference_mode()
def sample(
    policy: Policy,
    prompts: Sequence[Tokens],
    n: int,
    temperature: float,
    top_p: float,
    max_new_tokens: int,
    seed: int,
    on_done: Callable[[int, Rollout], None] = lambda _row, _rollout: None,
    rank: int = 0,
    world: int = 1,
) -> list[list[Rollout]]:
    """n samples of each prompt, nucleus sampling. The same seed and prompts give the same samples.

    `on_done` takes (prompt's index * n + sample's, the sample) as soon as it has ended, while others still grow. Where the
    prompts are number `rank`, `rank + world`, … of a longer list, the samples are those that one process draws for all of it.
    """
    ends = Ends(policy.tokenizer)
    generator = torch.Generator().manual_seed(seed)
    rows = len(prompts) * n
    written: list[list[int]] = [[] for _ in range(rows)]
    logprobs: list[list[float]] = [[] for _ in range(rows)]
    done: dict[int, Rollout] = {}
    alive = list(range(rows))
    decoding = Decoding(policy, prompts, n)
    for length in range(1, max_new_tokens + 1):
        luck = torch.rand(len(prompts), world, n, generator=generator)[:, rank].flatten()
        dice = luck[alive].to(policy.device)  # a row's luck does not hang on the others' ends
        tokens = nucleus(decoding.logits, temperature, top_p, dice)
        gained = decoding.logits.gather(1, tokens[:, None])[:, 0] - decoding.logits.logsumexp(1)
        ended = []
        for row, token, logprob in zip(alive, tokens.tolist(), gained.tolist(), strict=True):
            written[row].append(token)
            logprobs[row].append(logprob)
            finished = ends.at(written[row])
            ended.append(finished or length == max_new_tokens)
            if ended[-1]:
                done[row] = rollout(policy, written[row], math.fsum(logprobs[row]), finished, logprobs[row])
                on_done(row, done[row])
        places = without(ended)
        alive = [alive[place] for place in places]
        if not alive:
            break
        decoding.step(places, tokens[places])
    return [[done[row] for row in range(i, i + n)] for i in range(0, rows, n)]


def nucleus(logits: Tensor, temperature: float, top_p: float, dice: Tensor) -> Tensor:
    """A token a row [rows] by inverse CDF: the fewest most likely tokens whose mass reaches top_p, `dice` uniform in [0, 1)."""
    logits = logits / temperature
    if top_p >= 1:  # no need to know which are the most likely
        mass = logits.softmax(1).cumsum(1)
        place = torch.searchsorted(mass, dice[:, None] * mass[:, -1:], right=True)
        return place[:, 0].clamp(max=mass.shape[1] - 1)
    largest, tokens = logits.topk(min(TOP, logits.shape[1]), dim=1)
    total = logits.logsumexp(1, keepdim=True)
    mass = (largest - total).exp().cumsum(1)
    if float(mass[:, -1].min()) < top_p:
        largest, tokens = logits.sort(dim=1, descending=True)
        mass = (largest - total).exp().cumsum(1)
    last = (mass < top_p).sum(1, keepdim=True).clamp(max=mass.shape[1] - 1)
    place = torch.searchsorted(mass, dice[:, None] * mass.gather(1, last), right=True)
    return tokens.gather(1, torch.minimum(place, last))[:, 0]


@torch.inference_mode()
def beam_search(policy: Policy, prompts: Sequence[Tokens], k: int, max_new_tokens: int) -> list[list[Rollout]]:
    """The k best of a beam search of width k for each prompt, best mean log p first.

    A hypothesis is ranked by logprob_sum / token_count. A prompt is done when k hypotheses have ended and the best open
    one ranks below them all.
    """
    ends = Ends(policy.tokenizer)
    written: list[list[list[int]]] = [[[] for _ in range(k)] for _ in prompts]  # open beams of each prompt
    ended: list[list[Rollout]] = [[] for _ in prompts]
    alive = list(range(len(prompts)))
    sums = torch.full((len(prompts), k), -torch.inf, device=policy.device)
    sums[:, 0] = 0.0  # k equal copies at first: one of them counts
    decoding = Decoding(policy, prompts, k)
    for length in range(1, max_new_tokens + 1):
        vocabulary = decoding.logits.shape[1]
        grown = sums[:, :, None] + decoding.logits.log_softmax(1).view(len(alive), k, vocabulary)
        best, flat = grown.flatten(1).topk(min(4 * k, k * vocabulary), dim=1)  # enough to leave k open ones
        beams, tokens = (flat // vocabulary).tolist(), (flat % vocabulary).tolist()
        kept: list[tuple[int, list[int], list[int], list[float]]] = []
        for place, (prompt, scores) in enumerate(zip(alive, best.tolist(), strict=True)):
            rows: list[int] = []
            grow: list[int] = []
            open_sums: list[float] = []
            texts: list[list[int]] = []
            for rank, (score_sum, beam, token) in enumerate(zip(scores, beams[place], tokens[place], strict=True)):
                text = [*written[prompt][beam], token]
                if ends.at(text):
                    if rank < k and score_sum > -torch.inf:  # below the k best it would not have been kept either
                        ended[prompt].append(rollout(policy, text, score_sum, True))
                elif len(rows) < k:
                    rows.append(place * k + beam)
                    grow.append(token)
                    open_sums.append(score_sum)
                    texts.append(text)
            while len(rows) < k:  # all others ended: a copy that can never win
                rows, grow, open_sums, texts = [*rows, place * k], [*grow, 0], [*open_sums, -torch.inf], [*texts, [0]]
            written[prompt] = texts
            ended[prompt] = sorted(ended[prompt], key=mean_logprob, reverse=True)[:k]
            worst = mean_logprob(ended[prompt][-1]) if len(ended[prompt]) == k else -torch.inf
            if length == max_new_tokens:
                cut = [
                    rollout(policy, text, total, False)
                    for text, total in zip(texts, open_sums, strict=True)
                    if total > -torch.inf
                ]
                ended[prompt] = sorted(ended[prompt] + cut, key=mean_logprob, reverse=True)[:k]
            elif open_sums[0] / length > worst:
                kept.append((prompt, rows, grow, open_sums))
        alive = [prompt for prompt, *_ in kept]
        if not alive:
            break
        sums = torch.tensor([entry[3] for entry in kept], device=policy.device)
        rows_kept = [row for entry in kept for row in entry[1]]
        decoding.step(rows_kept, torch.tensor([token for entry in kept for token in entry[2]], device=policy.device))
    return ended


def mean_logprob(rollout: Rollout) -> float:
    """The rank of a hypothesis among those of its prompt, nats a token."""
    return rollout.logprob_sum / rollout.token_count


class Ends:
    """Where a completion ends: at the end-of-text token or at a closing fence."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self.has_tick: dict[int, bool] = {}

    def at(self, ids: list[int]) -> bool:
        """Whether the last token ends the completion. Only a token with a backtick in it can close a fence."""
        token = ids[-1]
        if token == self.tokenizer.eos_token_id:
            return True
        if token not in self.has_tick:
            self.has_tick[token] = "`" in self.tokenizer.decode([token])
        return self.has_tick[token] and END in "\n" * (len(ids) <= 8) + self.tokenizer.decode(ids[-8:])


def rollout(policy: Policy, ids: Sequence[int], logprob_sum: float, finished: bool, logprobs: Sequence[float] = ()) -> Rollout:
    """The program in the generated `ids`."""
    text = policy.tokenizer.decode(ids, skip_special_tokens=True)
    return Rollout(program_of(text), tuple(ids), logprob_sum, len(ids), finished, tuple(logprobs))


@torch.inference_mode()
def score(policy: Policy, prompts: Sequence[Tokens], completions: Sequence[Tokens], rows_at_once: int = 8) -> list[float]:
    """Σ log p of each completion by teacher forcing, nats: the P(t) of programs that another author wrote."""
    examples = [Example(tuple(prompt), tuple(completion)) for prompt, completion in zip(prompts, completions, strict=True)]
    by_length = sorted(range(len(examples)), key=lambda i: len(examples[i].prompt) + len(examples[i].completion))
    sums = [0.0] * len(examples)
    for start in range(0, len(examples), rows_at_once):
        rows = by_length[start : start + rows_at_once]
        batch = collate([examples[i] for i in rows], policy.tokenizer.pad_token_id, policy.device)
        for i, total in zip(rows, (token_logprobs(policy.model, batch) * batch.weights).sum(1).tolist(), strict=True):
            sums[i] = total
    return sums


def left_padded(rows: Sequence[Tokens], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(ids, mask), both [B, T] with T the longest row."""
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
