"""What ClipDesk uses of open_clip, which comes with an extra only."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor, nn

def add_model_config(path: Path) -> None: ...
def create_model(
    model_name: str,
    pretrained: str | None = None,
    load_weights: bool = True,
    *,
    device: str = "cpu",
    force_quick_gelu: bool = False,
    force_image_size: int | None = None,
    force_context_length: int | None = None,
    force_preprocess_cfg: dict[str, Any] | None = None,
    pretrained_text: bool = True,
) -> nn.Module: ...
def get_model_config(model_name: str) -> dict[str, Any] | None: ...
def get_pretrained_cfg(model: str, tag: str) -> dict[str, Any]: ...
def get_tokenizer(
    model_name: str, context_length: int | None = None, **kwargs: object
) -> Callable[[list[str]], Tensor]: ...
def list_models() -> list[str]: ...
def list_pretrained() -> list[tuple[str, str]]: ...
def list_pretrained_tags_by_model(model: str) -> list[str]: ...
