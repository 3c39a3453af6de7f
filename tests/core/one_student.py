"""One process that learns canonical solutions: FOLDER MODEL OPTIONS-AS-JSON."""

import json
import sys
from pathlib import Path

from core.options import ModelOptions, SFTOptions
from core.solutions import finetune
from tests.core import tiny

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    print("threads", tiny.torch.get_num_threads())
    model, options = ModelOptions(path=sys.argv[2], device="cpu"), SFTOptions(**json.loads(sys.argv[3]))
    finetune(model, options, folder / "problems.jsonl.gz", folder / "sft", folder / "model", lambda done, total: None)
