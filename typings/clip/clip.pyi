from collections.abc import Callable

from PIL.Image import Image
from torch import Tensor

def _transform(n_px: int) -> Callable[[Image], Tensor]: ...
