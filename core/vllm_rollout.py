"""Samples drawn by vLLM on the GPU that trains: an engine a rank, in the rank's own process, asleep while training runs.

An option beside `core.rollout.sample`; vLLM is imported only where a `VLLMSampler` is made. Written for vLLM 0.32 and 0.33.
Run with its CPU build 0.32: weights, samples, likelihoods, ends, seeds, two ranks, its scheduler asleep. Not run: a GPU, and
with it memory given up and taken back, compiled models and tied embeddings.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.engine import rank_environment
from core.policy import Policy
from core.rollout import Ends, Rollout, rollout

FALL_ASLEEP = 2  # vLLM's level 2: weights and KV cache are thrown away; level 1 would keep the weights in host memory


class VLLMSampler:
    """vLLM as the sampler of a policy under training.

    A phase of rollouts is `refresh`, then `sample` once. Between phases the engine sleeps: its share of the GPU is free, and
    its weights are gone. All ranks make their sampler at the same time, after `core.engine.start` and with memory for
    `gpu_share` free. `close` comes last, right before `core.engine.stop`: vLLM takes the ranks' process group down with it.
    """

    def __init__(self, policy: Policy, gpu_share: float, max_model_len: int, eager: bool = False) -> None:
        """An engine for models of the policy's architecture, with its dtype and without weights.

        gpu_share: of the GPU's whole memory, 0 to 1, for weights and KV cache. max_model_len: tokens of prompt and completion.
        eager: no compilation and no CUDA graphs, so that it starts in seconds and samples slower.
        ValueError: a bad share or length, no vLLM here, or a model that new weights do not reach.
        """
        if not 0 < gpu_share < 1:
            raise ValueError(f"gpu_share {gpu_share} is not between 0 and 1")
        if max_model_len < 2:
            raise ValueError(f"max_model_len {max_model_len} leaves no room for a prompt and a completion")
        if importlib.util.find_spec("vllm") is None:
            raise ValueError("rollouts with vLLM: it is not installed; with a GPU, in the clone: pip install -e '.[vllm]'")
        os.environ.update(rank_environment(os.environ))
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # weights are handed over within this process
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        from vllm import EngineArgs, LLMEngine
        from vllm.platforms import current_platform
        from vllm.usage.usage_lib import UsageContext

        if current_platform.is_cpu() and policy.model.config.tie_word_embeddings:
            raise ValueError(
                "vLLM's CPU build keeps an old copy of tied embeddings: config tie_word_embeddings must be false there"
            )
        self.policy = policy
        self.max_model_len = max_model_len
        self.sleeps = bool(current_platform.is_sleep_mode_available())  # not on CPU
        self.fresh = False  # whether the engine has weights to sample with
        self.parameters = {name for name, _ in policy.model.named_parameters()}
        arguments = EngineArgs(
            model=str(_described(policy.model)),
            skip_tokenizer_init=True,  # tokens in, tokens out
            load_format="dummy",  # `refresh` brings the weights
            dtype=str(policy.model.dtype).removeprefix("torch."),
            max_model_len=max_model_len,
            gpu_memory_utilization=gpu_share,
            enforce_eager=eager,
            enable_prefix_caching=True,
            enable_sleep_mode=self.sleeps,
            logprobs_mode="raw_logprobs",  # of the model as it is
            generation_config="vllm",  # no sampling defaults of the model's makers
            tensor_parallel_size=1,
            distributed_executor_backend="external_launcher",  # takes RANK and LOCAL_RANK, and the process group as it is
        )
        self.engine = LLMEngine.from_engine_args(arguments, usage_context=UsageContext.LLM_CLASS)
        self._sleep()

    def refresh(self, weights: Iterable[tuple[str, Tensor]]) -> None:
        """Wakes the engine with the policy's present weights: (name in the Hugging Face model, whole tensor).

        Takes each tensor before it asks for the next one, and keeps a copy until a layer is whole: at ZeRO-3 a tensor is
        whole only while it is handed over. ValueError: a parameter of the policy is missing.
        """
        given: set[str] = set()

        def copies() -> Iterator[tuple[str, Tensor]]:
            for name, tensor in weights:
                given.add(name)
                yield name, tensor.detach().clone()

        self._wake("weights")
        self.engine.collective_rpc("reload_weights", kwargs={"weights_iterator": copies()})
        if missing := self.parameters - given:
            raise ValueError(f"weights for vLLM: {len(missing)} of {len(self.parameters)} missing, such as {min(missing)}")
        if not self.engine.reset_prefix_cache():
            raise RuntimeError("vLLM kept prefixes of older weights: samples are still under way")
        self._wake("kv_cache")
        self.fresh = True

    def sample(
        self,
        prompts: Sequence[Sequence[int]],
        n: int,
        temperature: float,
        top_p: float,
        max_new_tokens: int,
        seed: int,
        on_done: Callable[[int, Rollout], None] = lambda _row, _rollout: None,
        rank: int = 0,
        world: int = 1,
    ) -> list[list[Rollout]]:
        """n samples of each prompt, nucleus sampling, as `core.rollout.sample`; the engine sleeps afterwards.

        A sample's random numbers follow from (seed, prompt's place among all ranks' prompts, sample). Its tokens may still
        hang on what else is in the batch, as kernels round differently with its size.
        ValueError: a prompt that leaves too little of `max_model_len`. RuntimeError: no `refresh` before.
        """
        if not self.fresh:
            raise RuntimeError("vLLM has no weights: refresh comes before each sample")
        longest = max(map(len, prompts), default=0)
        if longest + max_new_tokens > self.max_model_len:
            raise ValueError(
                f"a prompt of {longest} tokens and max_new_tokens {max_new_tokens} are over max_model_len {self.max_model_len}"
            )
        for i, prompt in enumerate(prompts):
            for j in range(n):
                luck = seed_of(seed, i * world + rank, j)
                self._ask(str(i * n + j), list(prompt), temperature, top_p, max_new_tokens, luck)
        done = self._decode(on_done)
        self._sleep()
        return [[done[row] for row in range(i, i + n)] for i in range(0, len(prompts) * n, n)]

    def close(self) -> None:
        """Ends the engine, and the process group of the ranks: nothing that needs it can follow."""
        self.engine.engine_core.shutdown()

    def _ask(self, name: str, prompt: list[int], temperature: float, top_p: float, max_new_tokens: int, seed: int) -> None:
        """Queues one sample."""
        from vllm import SamplingParams
        from vllm.inputs import tokens_input
        from vllm.sampling_params import RequestOutputKind

        eos = self.policy.tokenizer.eos_token_id
        wish = SamplingParams(
            temperature=temperature,
            top_p=top_p,
            seed=seed,
            max_tokens=max_new_tokens,
            logprobs=0,  # of the sampled token alone
            flat_logprobs=True,
            stop_token_ids=[] if eos is None else [eos],
            ignore_eos=True,  # the config may name other ends than the tokenizer's
            detokenize=False,
            output_kind=RequestOutputKind.DELTA,
        )
        self.engine.add_request(name, tokens_input(prompt), wish)

    def _decode(self, on_done: Callable[[int, Rollout], None]) -> dict[int, Rollout]:
        """Steps until all samples have ended. What ends one is `Ends`, token by token: vLLM's stop strings read other text."""
        ends = Ends(self.policy.tokenizer)
        written: dict[str, tuple[list[int], list[float]]] = {}
        done: dict[int, Rollout] = {}
        while self.engine.has_unfinished_requests():
            for output in self.engine.step():
                ids, logprobs = written.setdefault(output.request_id, ([], []))
                (new,) = output.outputs
                finished = False
                for token, position in zip(new.token_ids, new.logprobs, strict=True):
                    ids.append(token)
                    logprobs.append(position[token].logprob)
                    if finished := ends.at(ids):
                        break
                if finished and not output.finished:
                    self.engine.abort_request([output.request_id])
                if finished or output.finished:
                    row = int(output.request_id)
                    done[row] = rollout(self.policy, ids, math.fsum(logprobs), finished, logprobs)
                    on_done(row, done[row])
        return done

    def _wake(self, part: str) -> None:
        """Takes the memory for `part` (weights, kv_cache) back, from what torch holds and does not use."""
        if self.sleeps:
            torch.cuda.empty_cache()
            self.engine.wake_up(tags=[part])

    def _sleep(self) -> None:
        if self.sleeps:
            self.engine.sleep(level=FALL_ASLEEP)
        self.fresh = False


def seed_of(seed: int, prompt: int, sample: int) -> int:
    """63 bits from the run's seed, the prompt's place among all ranks' prompts and the sample's among the prompt's."""
    state = np.random.SeedSequence([seed % 2**64, prompt, sample]).generate_state(1, np.uint64)
    return int(state[0]) >> 1


def _described(model: Any) -> Path:
    """A folder with the model's config alone, in the user's cache.

    Its name follows from its content: vLLM's cache of compiled models looks at the name, and ranks may write it at once.
    """
    config = copy.deepcopy(model.config)
    config.architectures = [type(model).__name__]
    text = config.to_json_string()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stepbatch"
    folder = cache / f"vllm-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as beside:
        beside.write(text)
    Path(beside.name).rename(folder / "config.json")
    return folder
