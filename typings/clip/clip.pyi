from collections.abc import Callable

from PIL.Image import Image
from torch import Tensor

_MODELS: dict[str, str]

def _transform(n_px: int) -> Callable[[Image], Tensor]: ...
