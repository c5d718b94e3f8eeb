from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

class TSNE:
    def __init__(
        self,
        *,
        perplexity: float = ...,
        metric: str = ...,
        neighbors: str = ...,
        initialization: str = ...,
        random_state: int | None = ...,
        n_jobs: int = ...,
        callbacks: Callable[[int, float, NDArray[np.float64]], bool | None] = ...,
        callbacks_every_iters: int = ...,
    ) -> None: ...
    def fit(self, X: NDArray[np.float32]) -> NDArray[np.float64]: ...
