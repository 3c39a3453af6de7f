"""A stand-in for vLLM: the calls that core.vllm_rollout makes, around a transformers model on CPU. It is not vLLM.

It keeps the manners of vLLM 0.32 that matter there: an engine without weights until they are loaded, tensors held by
reference while weights load, a sleep that loses them, one token a request a step, aborted requests forgotten at once.
"""

import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import torch
from transformers import AutoConfig, AutoModelForCausalLM


@dataclass
class EngineArgs:
    model: str
    skip_tokenizer_init: bool
    load_format: str
    dtype: str
    max_model_len: int
    gpu_memory_utilization: float
    enforce_eager: bool
    enable_prefix_caching: bool
    enable_sleep_mode: bool
    logprobs_mode: str
    generation_config: str
    tensor_parallel_size: int
    distributed_executor_backend: str


@dataclass
class SamplingParams:
    temperature: float
    top_p: float
    seed: int
    max_tokens: int
    logprobs: int
    flat_logprobs: bool
    stop_token_ids: list
    ignore_eos: bool
    detokenize: bool
    output_kind: str


class LLMEngine:
    def __init__(self, arguments):
        config = AutoConfig.from_pretrained(arguments.model)
        self.model = AutoModelForCausalLM.from_config(config, dtype=getattr(torch, arguments.dtype)).eval()
        self.arguments = arguments
        self.requests = {}
        self.asleep = set()
        self.calls = []
        self.engine_core = SimpleNamespace(shutdown=lambda: self.calls.append("shutdown"))

    @classmethod
    def from_engine_args(cls, arguments, usage_context):
        return cls(arguments)

    def sleep(self, level):
        assert level == 2
        self.calls.append("sleep")
        self.asleep = {"weights", "kv_cache"}
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter.fill_(torch.nan)

    def wake_up(self, tags):
        self.calls.append(f"wake {tags[0]}")
        self.asleep -= set(tags)

    def collective_rpc(self, method, kwargs):
        assert method == "reload_weights"
        assert "weights" not in self.asleep
        self.calls.append("reload")
        held = list(kwargs["weights_iterator"])
        self.model.load_state_dict(dict(held), strict=False)

    def reset_prefix_cache(self):
        self.calls.append("reset")
        return not self.requests

    def add_request(self, name, prompt, params):
        assert name not in self.requests
        ids = prompt["prompt_token_ids"]
        self.requests[name] = SimpleNamespace(
            ids=list(ids), prompt=len(ids), params=params, luck=torch.Generator().manual_seed(params.seed)
        )

    def abort_request(self, names):
        for name in names:
            del self.requests[name]

    def has_unfinished_requests(self):
        return bool(self.requests)

    @torch.inference_mode()
    def step(self):
        assert not self.asleep
        outputs = []
        rows = torch.nn.utils.rnn.pad_sequence(
            [torch.tensor(request.ids) for request in self.requests.values()], batch_first=True
        )
        batch = self.model(rows).logits.float()
        for i, (name, request) in enumerate(list(self.requests.items())):
            logits = batch[i, len(request.ids) - 1]
            shares, tokens = (logits / request.params.temperature).softmax(0).sort(descending=True)
            kept = shares.cumsum(0) - shares < request.params.top_p
            token = int(tokens[torch.multinomial(shares * kept, 1, generator=request.luck)])
            request.ids.append(token)
            long = len(request.ids) - request.prompt == request.params.max_tokens
            finished = long or token in request.params.stop_token_ids
            new = SimpleNamespace(
                token_ids=[token], logprobs=[{token: SimpleNamespace(logprob=float(logits.log_softmax(0)[token]))}]
            )
            outputs.append(SimpleNamespace(request_id=name, outputs=[new], finished=finished))
            if finished:
                del self.requests[name]
        return outputs


def put_in_place(patch):
    """`import vllm` gives the stand-in until `patch` is undone."""
    contents = {
        "vllm": {"EngineArgs": EngineArgs, "LLMEngine": LLMEngine, "SamplingParams": SamplingParams},
        "vllm.platforms": {"current_platform": SimpleNamespace(is_cpu=lambda: False, is_sleep_mode_available=lambda: True)},
        "vllm.usage": {},
        "vllm.usage.usage_lib": {"UsageContext": SimpleNamespace(LLM_CLASS="LLM_CLASS")},
        "vllm.inputs": {"tokens_input": lambda ids: {"type": "token", "prompt_token_ids": ids}},
        "vllm.sampling_params": {"RequestOutputKind": SimpleNamespace(DELTA="DELTA")},
    }
    for name, members in contents.items():
        module = ModuleType(name)
        module.__spec__ = ModuleSpec(name, None)
        module.__dict__.update(members)
        patch.setitem(sys.modules, name, module)
