"""A pass that was interrupted, as a file to go on from."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.activations.scan import ScanState
from clipdesk.activations.statistics import Surveyed
from clipdesk.errors import UsageError
from clipdesk.files import check_readable
from clipdesk.imagesets.sets import LeftOut

CHECKPOINT_SECONDS = 60.0
_NAME = "checkpoint"
_LARGEST = 2**40
_TIMES = 19
"""After a checkpoint so many times as long as it took passes before the next one, which leaves them a twentieth."""


class Pace:
    """Says when the next checkpoint is due: once a minute, and less often where they are large and take long."""

    def __init__(self) -> None:
        self._next = time.monotonic() + CHECKPOINT_SECONDS

    @property
    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() > self._next

    @contextmanager
    def writing(self) -> Iterator[None]:
        """In the block, one is written."""
        begun = time.monotonic()
        yield
        ended = time.monotonic()
        self._next = ended + max(CHECKPOINT_SECONDS, _TIMES * (ended - begun))


def write_checkpoint(folder: Path, state: ScanState) -> None:
    """Write what a pass has found so far, in place of what was there."""
    path = folder / f"{_NAME}.partial"
    with path.open("wb") as file:
        save_state(file, state)
        file.flush()
        os.fsync(file.fileno())
    path.replace(folder / _NAME)


def save_state(file: IO[bytes], state: ScanState) -> None:
    """Write what a pass has found into a file: a line of JSON, then arrays in NumPy's form."""
    known = {
        "done": state.done,
        "count": state.moments.count,
        "pictures": [[index, each.id, each.place, each.label, each.caption] for index, each in state.pictures],
        "left_out": [[each.place, each.reason] for each in state.left_out],
        "ranks": state.sample.ranks,
        "sampled": state.sample.pictures,
    }
    file.write(json.dumps(known).encode() + b"\n")
    for array in _arrays(state):
        np.save(file, array, allow_pickle=False)


def read_checkpoint(folder: Path, state: ScanState, name: str = _NAME) -> bool:
    """Let a pass that has found nothing yet go on from where another was; False where there is none to go on from.

    Args:
        folder: Where the other has written it.
        state: Of the pass that is to go on.
        name: The file's name, where `save_state` has written another than the checkpoint.
    """
    path = folder / name
    try:
        check_readable(path, _LARGEST)
        with path.open("rb") as file:
            known = json.loads(file.readline())
            _restore(state, known, file)
    except (OSError, UsageError, ValueError, KeyError, EOFError, IndexError, TypeError, RecursionError):
        return False
    return True


def remove_checkpoint(folder: Path) -> None:
    """Remove what an interrupted pass would have gone on from."""
    (folder / _NAME).unlink(missing_ok=True)


def _arrays(state: ScanState) -> Iterator[NDArray[Any]]:
    yield state.moments.mean.cpu().numpy()
    yield state.moments.scatter.cpu().numpy()
    yield np.concatenate(state.embeddings) if state.embeddings else np.empty((0, 0), np.float16)
    for sums in state.sums.values():
        for tensor in sums.tensors().values():
            yield tensor.cpu().numpy()


def _restore(state: ScanState, known: dict[str, Any], file: BinaryIO | io.BufferedReader) -> None:
    def tensor() -> Tensor:
        return torch.from_numpy(np.load(file, allow_pickle=False))

    device = state.moments.mean.device
    mean, scatter, embeddings = tensor().to(device), tensor().to(device), np.load(file, allow_pickle=False)
    found = {key: {name: tensor() for name in sums.tensors()} for key, sums in state.sums.items()}
    for key, sums in state.sums.items():
        wanted = {name: (each.shape, each.dtype) for name, each in sums.tensors().items()}
        if wanted != {name: (each.shape, each.dtype) for name, each in found[key].items()}:
            raise ValueError("the checkpoint is of other layers")
        sums.restore(found[key])
    state.done = int(known["done"])
    state.moments.count, state.moments.mean, state.moments.scatter = int(known["count"]), mean, scatter
    state.embeddings = [embeddings] if len(embeddings) else []
    state.pictures = [(index, Surveyed(*texts)) for index, *texts in known["pictures"]]
    state.left_out = [LeftOut(place, reason) for place, reason in known["left_out"]]
    state.sample.ranks, state.sample.pictures = list(known["ranks"]), list(known["sampled"])
