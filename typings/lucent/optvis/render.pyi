from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

def render_vis(
    model: nn.Module,
    objective_f: Callable[[Callable[[str], Tensor]], Tensor],
    param_f: Callable[[], tuple[list[Tensor], Callable[[], Tensor]]],
    *,
    thresholds: tuple[int, ...],
    preprocess: bool,
    progress: bool,
    show_image: bool,
    fixed_image_size: int,
) -> list[NDArray[np.float32]]: ...
