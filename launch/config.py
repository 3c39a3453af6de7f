"""The schema of a run's config, and what is checked of its values before anything is written.

Not frozen, for OmegaConf's sake; nothing changes one after `launch.compose` made it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from core import curriculum
from core.options import OFFLOADS, DecodingOptions, ModelOptions, ReplayOptions, SFTOptions, StepCoderOptions
from sandbox.limits import Limits


class ConfigError(ValueError):
    """A wrong key or value of the config, told in one line: the key, the value, what is valid."""


@dataclass
class SourceOptions:
    """Where problems come from."""

    name: str = "starter"  # starter, humaneval, a path to problems in our own format, or LAYOUT:PATH
    split: str | None = None  # of starter: train or test; of humaneval: test; null (all) of a path
    limit: int | None = None  # at most so many, taken evenly over the list; null: all


@dataclass
class DataOptions:
    """Problems to train on, and problems to report on."""

    train: SourceOptions = field(default_factory=SourceOptions)
    test: SourceOptions = field(default_factory=SourceOptions)
    warmup: SourceOptions = field(
        default_factory=lambda: SourceOptions(name="")
    )  # canonical solutions to learn first; empty: none


@dataclass
class MethodOptions:
    """How a model is trained."""

    kind: str = "btp"  # btp: replay of tested programs; stepcoder: from test feedback; sft: on canonical solutions
    name: str = "btp"  # in tables, behind the model's
    train_decoding: DecodingOptions = field(default_factory=DecodingOptions)
    test_decoding: DecodingOptions = field(default_factory=DecodingOptions)
    replay: ReplayOptions = field(default_factory=ReplayOptions)
    sft: SFTOptions = field(default_factory=SFTOptions)
    warmup: SFTOptions = field(default_factory=SFTOptions)
    stepcoder: StepCoderOptions = field(default_factory=StepCoderOptions)


@dataclass
class SamplingOptions:
    """How sampling is spread. No program hangs on it: each batch of problems has a stream of its own."""

    shards: int = 1  # tasks of a sampling array, a GPU each


@dataclass
class JudgingOptions:
    """How programs are judged."""

    limits: Limits = field(default_factory=Limits)
    shards: int = 4  # tasks of a judge array
    workers: int = 1  # programs that a task judges at once
    nsjail: str = ""  # path of the executable; empty: found on the machine
    python: str = "own"  # own: the version that runs stepbatch; auto: the newest that runs in a jail; or a path
    stop_at_first_failure: bool = False  # skip a program's tests after one fails
    packages: str = "numpy,sortedcontainers"  # installed packages that programs may import, comma-separated
    trace: bool = True  # whether executed lines are kept


@dataclass
class TablesOptions:
    """What the tables tell."""

    ks: list[int] = field(default_factory=lambda: [1])  # the k of pass@k; none above the samples drawn


@dataclass
class ClusterOptions:
    """Where jobs run."""

    kind: str = "local"  # local or slurm
    cpu_slots: int = 0  # of local: cores in use at once; 0: all of the machine
    train: dict[str, Any] = field(default_factory=dict)  # of slurm: sbatch parameters of stages that train
    gpu: dict[str, Any] = field(default_factory=dict)  # of stages that sample
    cpu: dict[str, Any] = field(default_factory=dict)  # of stages that judge or tabulate


@dataclass
class Config:
    """All of a run."""

    run_dir: str = ""
    seed: int = 0
    model: ModelOptions = field(default_factory=ModelOptions)
    data: DataOptions = field(default_factory=DataOptions)
    method: MethodOptions = field(default_factory=MethodOptions)
    sampling: SamplingOptions = field(default_factory=SamplingOptions)
    judge: JudgingOptions = field(default_factory=JudgingOptions)
    tables: TablesOptions = field(default_factory=TablesOptions)
    cluster: ClusterOptions = field(default_factory=ClusterOptions)


REQUIRED = ("run_dir", "model.path", "data.train.name", "data.test.name")

CHOICES: dict[str, tuple[str, ...]] = {
    "model.dtype": ("auto", "float32", "bfloat16"),
    "model.device": ("auto", "cpu", "cuda"),
    "method.kind": ("btp", "sft", "stepcoder"),
    "method.train_decoding.method": ("beam", "sample"),
    "method.test_decoding.method": ("beam", "sample"),
    "method.replay.priority": ("proportional", "rank"),
    "method.replay.likelihood": ("geometric_mean", "product"),
    "method.stepcoder.reward": ("stepcoder", "pass_fraction", "coderl", "rltf"),
    "method.stepcoder.curriculum.falls": curriculum.FALLS,
    "method.stepcoder.curriculum.prefix_ends": ("line", "statement"),
    "method.stepcoder.ppo.advantage": ("gae", "group", "leave_one_out"),
    "method.stepcoder.ppo.mask": ("executed", "all"),
    "method.stepcoder.ppo.kl_in": ("reward", "loss"),
    "method.stepcoder.ppo.critic": ("separate", "shared"),
    "method.stepcoder.sampler": ("own", "vllm"),
    "method.stepcoder.ppo.old_logprobs": ("auto", "sampled", "scored"),
    "method.stepcoder.ppo.offload": tuple(OFFLOADS),
    "cluster.kind": ("local", "slurm"),
}

# Lowest and highest value, each allowed; `EPSILON` stands for "above 0".
EPSILON = 1e-12
ENDLESS = float("inf")
_DECODING = {
    "programs_per_problem": (1, ENDLESS),
    "temperature": (EPSILON, ENDLESS),
    "top_p": (EPSILON, 1),
    "max_new_tokens": (1, ENDLESS),
    "problems_per_batch": (1, ENDLESS),
}
_SFT = {
    "learning_rate": (EPSILON, ENDLESS),
    "epochs": (1, ENDLESS),
    "batch_size": (1, ENDLESS),
    "micro_batch_size": (1, ENDLESS),
    "warmup_fraction": (0, 1),
    "weight_decay": (0, ENDLESS),
    "gradient_clipping": (0, ENDLESS),
    "max_length": (1, ENDLESS),
    "zero_stage": (0, 3),
    "checkpoint_every_steps": (1, ENDLESS),
}
_COUNTS = (
    *("steps", "problems_per_step", "rollouts_per_problem", "max_new_tokens", "max_prompt_tokens", "checkpoint_every_steps"),
    *("ppo.epochs", "ppo.minibatches", "ppo.micro_batch_size"),
)
RANGES: dict[str, tuple[float, float]] = {
    "data.train.limit": (1, ENDLESS),
    "data.test.limit": (1, ENDLESS),
    **{f"method.{name}.{key}": bounds for name in ("train_decoding", "test_decoding") for key, bounds in _DECODING.items()},
    "method.replay.weight": (0, 1),
    "method.replay.exponent": (0, ENDLESS),
    "method.replay.draws": (1, ENDLESS),
    "method.replay.importance_exponent": (0, 1),
    **{f"method.{name}.{key}": bounds for name in ("sft", "warmup") for key, bounds in _SFT.items()},
    **{f"method.stepcoder.{key}": (1, ENDLESS) for key in _COUNTS},
    "method.stepcoder.temperature": (EPSILON, ENDLESS),
    "method.stepcoder.top_p": (EPSILON, 1),
    "method.stepcoder.most_judge_errors": (0, 1),
    "method.stepcoder.vllm_gpu_share": (EPSILON, 1 - EPSILON),
    "method.stepcoder.most_kl": (0, ENDLESS),
    "method.stepcoder.curriculum.alpha": (EPSILON, 1),
    "method.stepcoder.curriculum.threshold": (0, 1),
    "method.stepcoder.ppo.gamma": (0, 1),
    "method.stepcoder.ppo.lam": (0, 1),
    "method.stepcoder.ppo.kl_weight": (0, ENDLESS),
    "method.stepcoder.ppo.ratio_clip": (EPSILON, ENDLESS),
    "method.stepcoder.ppo.value_clip": (0, ENDLESS),
    "method.stepcoder.ppo.learning_rate": (EPSILON, ENDLESS),
    "method.stepcoder.ppo.critic_learning_rate": (EPSILON, ENDLESS),
    "method.stepcoder.ppo.warmup_steps": (0, ENDLESS),
    "method.stepcoder.ppo.value_weight": (0, ENDLESS),
    "method.stepcoder.ppo.zero_stage": (0, 3),
    "sampling.shards": (1, ENDLESS),
    "judge.shards": (1, ENDLESS),
    "judge.workers": (1, ENDLESS),
    "cluster.cpu_slots": (0, ENDLESS),
}


def leaves(options: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every option below a config dataclass."""
    for each in fields(options):
        value = getattr(options, each.name)
        if is_dataclass(value):
            yield from leaves(value, f"{prefix}{each.name}.")
        else:
            yield f"{prefix}{each.name}", value


def check(config: Config) -> None:
    """Raises ConfigError at the first value out of its choices or range."""
    values = dict(leaves(config))
    for key in REQUIRED:
        if not values[key]:
            raise ConfigError(f"{key} is missing: say {key}=…")
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise ConfigError(f"{key}={values[key]}: not valid; choose from {', '.join(choices)}")
    for key, (low, high) in RANGES.items():
        value = values[key]
        if value is not None and not low <= value <= high:
            least = "above 0" if low == EPSILON else f"at least {low:g}"
            raise ConfigError(f"{key}={value}: must be {least}" + (f" and at most {high:g}" if high != ENDLESS else ""))
    drawn, ks = config.method.test_decoding.programs_per_problem, config.tables.ks
    for name, sft in (("sft", config.method.sft), ("warmup", config.method.warmup)):
        if sft.batch_size % sft.micro_batch_size:
            raise ConfigError(
                f"method.{name}.micro_batch_size={sft.micro_batch_size}: must divide method.{name}.batch_size={sft.batch_size}"
            )
    if config.method.kind == "stepcoder":
        _check_feedback(config)
    if not ks or min(ks) < 1 or max(ks) > drawn:
        raise ConfigError(
            f"tables.ks={ks}: each k must be from 1 to {drawn}, the programs drawn for a problem "
            "(method.test_decoding.programs_per_problem)"
        )


def _check_feedback(config: Config) -> None:
    """What training from test feedback needs of the judge and of the problems."""
    if config.judge.stop_at_first_failure:
        raise ConfigError("judge.stop_at_first_failure=true: rewards and masks need all tests of a program")
    if config.method.stepcoder.ppo.mask == "executed" and not config.judge.trace:
        raise ConfigError("judge.trace=false: method.stepcoder.ppo.mask=executed needs the lines that ran; or take mask=all")
    options, ppo = config.method.stepcoder, config.method.stepcoder.ppo
    try:
        curriculum.check(options.curriculum.alpha, options.curriculum.threshold, options.curriculum.kinds)
    except ValueError as error:
        raise ConfigError(f"method.stepcoder.curriculum: {error}") from error
    if ppo.zero_stage < OFFLOADS[ppo.offload]:
        raise ConfigError(
            f"method.stepcoder.ppo.offload={ppo.offload}: needs zero_stage={OFFLOADS[ppo.offload]} or more, not {ppo.zero_stage}"
        )
    rollouts = options.rollouts_per_problem
    if ppo.advantage != "gae" and rollouts < 2:
        raise ConfigError(
            f"method.stepcoder.rollouts_per_problem={rollouts}: must be at least 2, "
            f"as ppo.advantage={ppo.advantage} compares rollouts of a problem with each other"
        )
    if ppo.minibatches > options.problems_per_step * rollouts:
        raise ConfigError(
            f"method.stepcoder.ppo.minibatches={ppo.minibatches}: more than the {options.problems_per_step * rollouts} rollouts "
            "of a step (problems_per_step × rollouts_per_problem)"
        )
    if config.model.path.startswith("new:") and not config.data.warmup.name:
        raise ConfigError(f"model.path={config.model.path}: a new model needs problems to learn from first: data.warmup.name=…")
