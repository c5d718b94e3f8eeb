"""What ClipDesk uses of SAELens, which comes with an extra only."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

class TopKTrainingSAEConfig:
    def __init__(
        self,
        *,
        d_in: int,
        d_sae: int,
        k: int,
        aux_loss_coefficient: float = 1.0,
        device: str = "cpu",
    ) -> None: ...

class MatryoshkaBatchTopKTrainingSAEConfig(TopKTrainingSAEConfig):
    def __init__(
        self,
        *,
        d_in: int,
        d_sae: int,
        k: float,
        matryoshka_widths: list[int],
        aux_loss_coefficient: float = 1.0,
        device: str = "cpu",
    ) -> None: ...

class TopKTrainingSAE(nn.Module):
    b_dec: nn.Parameter
    def __init__(self, cfg: TopKTrainingSAEConfig) -> None: ...
    def process_state_dict_for_saving_inference(self, state_dict: dict[str, Tensor]) -> None: ...
    def save_inference_model(self, path: str | Path) -> tuple[Path, Path]: ...

class MatryoshkaBatchTopKTrainingSAE(TopKTrainingSAE):
    def __init__(self, cfg: MatryoshkaBatchTopKTrainingSAEConfig) -> None: ...

class SAE(nn.Module):
    cfg: Any
    @classmethod
    def load_from_disk(cls, path: str | Path, device: str | torch.device = "cpu") -> Self: ...
    def encode(self, x: Tensor) -> Tensor: ...
    def decode(self, feature_acts: Tensor) -> Tensor: ...
