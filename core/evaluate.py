"""Programs of a model for a set of problems, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.options import DecodingOptions, ModelOptions
from core.policy import load_policy
from core.prompt import prompt_ids
from core.rollout import beam_search, sample
from sandbox.problem import Program, read_problems, write_programs

METHODS = ("beam", "sample")


def check(options: DecodingOptions) -> None:
    """ValueError names the option, its value and what is valid."""
    if options.method not in METHODS:
        raise ValueError(f"decoding method {options.method!r} is not one of {', '.join(METHODS)}")
    for name in ("programs_per_problem", "max_new_tokens", "problems_per_batch"):
        if getattr(options, name) < 1:
            raise ValueError(f"decoding {name} {getattr(options, name)} is less than 1")
    if options.temperature <= 0 or not 0 < options.top_p <= 1:
        raise ValueError(f"decoding needs temperature > 0 and 0 < top_p <= 1, not {options.temperature} and {options.top_p}")


def write_programs_of(
    model: ModelOptions,
    decoding: DecodingOptions,
    problems: Path,
    out: Path,
    split: str,
    shard: int,
    shards: int,
    progress: Callable[[int, int], None],
) -> None:
    """Writes one part of programs for each batch of problems; batches whose part is there are skipped.

    Shard i of n does the batches whose index % n is i. A batch's programs hang on (seed, batch index) alone, so a killed
    run that starts again writes the same. Extra column `finished`: false where max_new_tokens cut the program off.
    `progress` takes (problems done, problems of this shard). ValueError: bad options; `InputError`: bad problems.
    """
    check(decoding)
    if not 0 <= shard < shards:
        raise ValueError(f"shard {shard} is not one of 0 to {shards - 1}")
    every = list(read_problems(problems))
    size = decoding.problems_per_batch
    batches = {i: every[i * size : (i + 1) * size] for i in range(shard, -(-len(every) // size), shards)}
    missing = [i for i in batches if not (out / f"part-{i:05d}.parquet").is_file()]
    total = sum(map(len, batches.values()))
    done = total - sum(len(batches[i]) for i in missing)
    progress(done, total)
    if not missing:
        return
    policy = load_policy(model, "sample")
    for index in missing:
        prompts = [prompt_ids(problem, policy.tokenizer) for problem in batches[index]]
        count, longest = decoding.programs_per_problem, decoding.max_new_tokens
        if decoding.method == "beam":
            groups = beam_search(policy, prompts, count, longest)
        else:
            seed = decoding.seed * 1_000_003 + index  # each batch draws from a stream of its own
            groups = sample(policy, prompts, count, decoding.temperature, decoding.top_p, longest, seed)
        programs = [
            Program(
                problem_id=problem.problem_id,
                program=rollout.program,
                sample=number,
                author=policy.author,
                split=split,
                logprob_sum=rollout.logprob_sum,
                token_count=rollout.token_count,
                extra={"finished": rollout.finished},
            )
            for problem, group in zip(batches[index], groups, strict=True)
            for number, rollout in enumerate(group)
        ]
        write_programs(out, f"{index:05d}", programs)
        done += len(batches[index])
        progress(done, total)
