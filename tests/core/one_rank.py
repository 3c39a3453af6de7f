"""One process of a fine-tuning run on a tiny model, for tests that kill it or start several: FOLDER RUN OPTIONS-AS-JSON."""

import json
import sys
from pathlib import Path

from core.btp import finetune
from core.options import ModelOptions, ReplayOptions, SFTOptions
from tests.core import tiny  # sets the number of threads, too

if __name__ == "__main__":
    folder, run = Path(sys.argv[1]), Path(sys.argv[2])
    print("threads", tiny.torch.get_num_threads())
    finetune(
        ModelOptions(path=str(folder / "tiny"), device="cpu"),
        ReplayOptions(draws=19, importance_exponent=0.5),
        SFTOptions(**{"learning_rate": 1e-3, "batch_size": 4, "checkpoint_every_steps": 2} | json.loads(sys.argv[3])),
        folder / "problems.jsonl.gz",
        folder / "programs",
        folder / "judged",
        run / "finetune",
        run / "model",
        lambda done, total: print("step", done, total, flush=True),
    )
