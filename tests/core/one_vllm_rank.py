"""One rank that draws its share of the prompts with vLLM and prints it: FOLDER."""

import os
import sys

import torch

os.environ["XDG_CACHE_HOME"] = sys.argv[1]
os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")  # GiB

if __name__ == "__main__":
    from core import engine
    from core.vllm_rollout import VLLMSampler
    from tests.core.test_vllm_rollout import PROMPTS, drawn, policy

    os.environ.update(engine.rank_environment(os.environ))
    torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    sampler = VLLMSampler(policy(), gpu_share=0.2, max_model_len=64, eager=True)
    groups = drawn(sampler, policy(), prompts=PROMPTS[rank::world], n=2, rank=rank, world=world)
    for i, group in enumerate(groups):
        for j, each in enumerate(group):
            print(f"\nsample {i * world + rank} {j} {each.token_ids}", flush=True)
    sampler.close()
    engine.stop()
