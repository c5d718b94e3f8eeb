"""Numbers that take long to compute, kept on the disk for the next time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

_NAME = "numbers"


def kept_numbers(path: Path, shape: Sequence[int]) -> NDArray[np.float32] | None:
    """Numbers that `keep_numbers` has kept, float32; None where there are none, or not as many.

    Args:
        path: Their file.
        shape: Their shape, as far as it is known: the first sizes.
    """
    try:
        found = load_file(path)[_NAME]
    except (OSError, SafetensorError, KeyError):
        return None
    fits = found.dtype == np.float32 and found.shape[: len(shape)] == tuple(shape)
    return found if fits else None


def keep_numbers(path: Path, numbers: NDArray[np.float32]) -> None:
    """Keep numbers; where that fails, they are computed again next time."""
    whole = path.with_name(f"{path.name}.{os.getpid()}-{id(numbers):x}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({_NAME: np.ascontiguousarray(numbers)}, whole)
        whole.replace(path)
    except (OSError, SafetensorError):
        with suppress(OSError):
            whole.unlink(missing_ok=True)
