"""What ClipDesk uses of openai/CLIP."""

from collections.abc import Callable

from clip.model import CLIP
from PIL.Image import Image
from torch import Tensor
from torch import device as Device

def available_models() -> list[str]: ...
def load(
    name: str, device: str | Device = ..., jit: bool = False, download_root: str | None = None
) -> tuple[CLIP, Callable[[Image], Tensor]]: ...
def tokenize(texts: str | list[str], context_length: int = 77, truncate: bool = False) -> Tensor: ...
