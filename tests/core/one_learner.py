"""StepCoder runs on a tiny model in one process, for tests that kill it or start several: FOLDER RUN OPTIONS-AS-JSON …"""

import json
import sys
from pathlib import Path

from core import engine
from core.options import CurriculumOptions, ModelOptions, PPOOptions, StepCoderOptions
from core.stepcoder import train
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from tests.core import tiny  # sets the number of threads, too


def learn(folder, run, given):
    ppo = {"learning_rate": 1e-2, "critic_learning_rate": 1e-2, "minibatches": 2, "micro_batch_size": 3} | given.pop("ppo", {})
    curriculum = CurriculumOptions(**given.pop("curriculum", {}))
    model = ModelOptions(path=str(folder / "tiny"), device="cpu", dtype=given.pop("dtype", "auto"))
    options = {"steps": 4, "problems_per_step": 2, "rollouts_per_problem": 4, "max_new_tokens": 12, "checkpoint_every_steps": 2}
    train(
        model,
        StepCoderOptions(**options | given, curriculum=curriculum, ppo=PPOOptions(**ppo)),
        JudgeOptions(Limits(cpu_s=2.0)),
        1,
        folder / "problems.jsonl.gz",
        run / "train",
        run / "model",
        lambda done, total, told: print("step", done, total, told, flush=True),
    )


if __name__ == "__main__":
    print("threads", tiny.torch.get_num_threads())
    leave, engine.stop = engine.stop, lambda: None  # DeepSpeed keeps groups of the first run: the ranks part once, at the end
    for run, given in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        learn(Path(sys.argv[1]), Path(run), json.loads(given))
    leave()
