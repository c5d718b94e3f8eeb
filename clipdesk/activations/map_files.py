"""Maps of a layer's units, kept in the survey's folder: one takes seconds to make, and is looked at again and again."""

from __future__ import annotations

import hashlib
import logging
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from clipdesk.activations.mapped import map_file
from clipdesk.activations.statistics import UnitStatistics
from clipdesk.errors import UsageError

log = logging.getLogger(__name__)

VERSION = 1
"""Of how maps are made: those of another version are made anew."""
_POSITIONS = "positions"


def map_path(folder: Path, statistics: UnitStatistics, seed: int) -> Path:
    """Where the map of a layer is kept.

    Args:
        folder: The survey's folder.
        statistics: The layer's.
        seed: The map's.
    """
    # A layer's name may be longer than a file's.
    name = hashlib.sha256(f"{statistics.layer}\n{statistics.pooling}\n{seed}".encode()).hexdigest()[:16]
    return folder / f"map-{VERSION}-{name}.safetensors"


def read_map(path: Path, units: int) -> NDArray[np.float64] | None:
    """The positions of a kept map, (units, 2); None where there is none that is whole."""
    try:
        found = np.array(map_file(path)[_POSITIONS])
    except (OSError, KeyError, ValueError, UsageError):
        return None
    return found if found.dtype == np.float64 and found.shape == (units, 2) and not np.isinf(found).any() else None


def keep_map(path: Path, positions: NDArray[np.float64]) -> None:
    """Keep a map for the next time; where the survey may not be written, it is made again then."""
    # Each process under a name of its own: two windows may make the same map.
    whole = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        whole.write_bytes(save({_POSITIONS: np.ascontiguousarray(positions)}))
        whole.replace(path)
    except OSError as error:
        log.info("the map is not kept: %s", error)
        whole.unlink(missing_ok=True)
