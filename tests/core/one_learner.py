"""One process of a StepCoder run on a tiny model, for tests that kill it or start several: FOLDER RUN OPTIONS-AS-JSON."""

import json
import sys
from pathlib import Path

from core.options import CurriculumOptions, ModelOptions, PPOOptions, StepCoderOptions
from core.stepcoder import train
from sandbox.judge import JudgeOptions
from sandbox.limits import Limits
from tests.core import tiny  # sets the number of threads, too

if __name__ == "__main__":
    folder, run, given = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    ppo = {"learning_rate": 1e-2, "critic_learning_rate": 1e-2, "minibatches": 2, "micro_batch_size": 3} | given.pop("ppo", {})
    curriculum = CurriculumOptions(**given.pop("curriculum", {}))
    options = {"steps": 4, "problems_per_step": 2, "rollouts_per_problem": 4, "max_new_tokens": 12, "checkpoint_every_steps": 2}
    print("threads", tiny.torch.get_num_threads())
    train(
        ModelOptions(path=str(folder / "tiny"), device="cpu"),
        StepCoderOptions(**options | given, curriculum=curriculum, ppo=PPOOptions(**ppo)),
        JudgeOptions(Limits(cpu_s=2.0)),
        1,
        folder / "problems.jsonl.gz",
        run / "train",
        run / "model",
        lambda done, total: print("step", done, total, flush=True),
    )
