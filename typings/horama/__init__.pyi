from collections.abc import Callable

from torch import Tensor

def maco(
    objective_function: Callable[[Tensor], Tensor],
    *,
    total_steps: int,
    image_size: int,
    model_input_size: int,
    device: str,
) -> tuple[Tensor, Tensor]: ...
def fourier(
    objective_function: Callable[[Tensor], Tensor],
    *,
    total_steps: int,
    image_size: int,
    model_input_size: int,
    device: str,
) -> tuple[Tensor, Tensor]: ...
