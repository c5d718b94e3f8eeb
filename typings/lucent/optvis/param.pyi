from collections.abc import Callable

from torch import Tensor

def image(w: int) -> tuple[list[Tensor], Callable[[], Tensor]]: ...
