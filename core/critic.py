"""The value model of PPO: a transformer of its own with one number a token instead of a vocabulary."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from core.sft import Batch


class Critic(nn.Module):
    """V of the state before each completion token. Starts as the policy's transformer and a head of zeros: V = 0."""

    def __init__(self, model: Any) -> None:
        """model: a causal language model of transformers, which becomes the critic's own."""
        super().__init__()
        self.backbone = model.base_model
        self.head = nn.Linear(model.config.hidden_size, 1, dtype=model.dtype, device=model.device)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, batch: Batch) -> Tensor:
        """Values [B, C], float32: column j is read where token j is predicted, so it knows nothing of token j."""
        columns = batch.weights.shape[1]
        out = self.backbone(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        )
        values: Tensor = self.head(out.last_hidden_state[:, -columns - 1 : -1])[..., 0]
        return values.to(torch.float32)
