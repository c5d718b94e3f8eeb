"""The activations that a sparse autoencoder learns from, as rows on the disk: read from an image set once."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clipdesk.activations.autoencoders.settings import TokenChoice, TrainingSettings
from clipdesk.activations.decoding import Prepared, read_ahead
from clipdesk.errors import ClipDeskError, UsageError
from clipdesk.imagesets.sets import ImageSet
from clipdesk.network.capture import LayerCapture
from clipdesk.network.faults import explained
from clipdesk.network.latents.algebra import Tokens
from clipdesk.network.latents.source import chosen
from clipdesk.network.layers import LayerInfo
from clipdesk.network.normalization import normalized
from clipdesk.network.opened import OpenModel

_FILES = {"training": "training.f32", "held_out": "held_out.f32"}
_NOTE = "rows.json"
_BATCH = 16
_HELD_OUT = 10
"""One in so many pictures is not learnt from: the fit is measured on it."""


@dataclass(frozen=True)
class Gathered:
    """How far the reading is.

    Attributes:
        done: Pictures that have been read or left out.
        left_out: Those among them that could not be read.
        training: Rows to learn from, so far.
        held_out: Rows to measure the fit on, so far.
    """

    done: int = 0
    left_out: int = 0
    training: int = 0
    held_out: int = 0


def tokens_of(info: LayerInfo, wanted: TokenChoice | None) -> TokenChoice:
    """Which tokens of a layer are learnt.

    Raises:
        UsageError: it has no class token, and that is what is wanted.
    """
    if wanted == "class" and not info.class_token:
        raise UsageError(f"{info.name} has no class token. Leave --tokens out to learn from all of its positions")
    if wanted is None:
        return "patches" if info.positions > 1 else "all"
    return wanted


def gather(
    opened: OpenModel, images: ImageSet, settings: TrainingSettings, folder: Path
) -> Generator[Gathered, None, None]:
    """Read a layer's activations for each picture of a set, from where an earlier process was.

    Args:
        opened: The model.
        images: The pictures.
        settings: Which layer and which tokens.
        folder: Where the rows are kept.

    Yields:
        After every few pictures how far it is.

    Raises:
        UsageError: there is no such layer; not one picture can be read.
        ClipDeskError: the activations are not numbers.
        RenderError: the device has too little memory.
        OSError: the rows cannot be written.
    """
    info = opened.inspector.visualizable(settings.layer)
    tokens = tokens_of(info, settings.tokens)
    capture = LayerCapture(opened.network, [info])
    gathered = _cut_to_note(folder, info.units)
    yield gathered
    waiting = range(gathered.done, len(images.pictures))
    with explained(_BATCH, opened.device):
        for prepared in read_ahead(images, waiting, opened.side, _BATCH, opened.device, small=False):
            good = [each for each in prepared if isinstance(each, Prepared)]
            if good:
                pixels = torch.from_numpy(np.stack([each.pixels for each in good])).to(opened.device)
                with torch.no_grad():
                    output = capture.run(normalized(pixels.float() / 255, opened.normalization))[info.name]
                _append(folder, _chosen(output, info, tokens, settings, [each.number for each in good]))
            gathered = _note(folder, info.units, gathered, len(prepared), len(prepared) - len(good))
            yield gathered
    if not gathered.training:
        raise UsageError(f"Not one picture of {images.name} can be read")


def rows_in(folder: Path, part: str, width: int) -> NDArray[np.float32]:
    """The rows of a part, ``training`` or ``held_out``, (rows, width), mapped from the disk."""
    path = folder / _FILES[part]
    if not path.is_file() or not path.stat().st_size:
        return np.empty((0, width), np.float32)
    return np.memmap(path, np.float32, "r").reshape(-1, width)


def remove_rows(folder: Path) -> None:
    """Remove what was gathered."""
    for name in (*_FILES.values(), _NOTE):
        (folder / name).unlink(missing_ok=True)


class Batches:
    """Batches of rows in an order that the seed and the number of a step say alone, so that any process can go on.

    Args:
        rows: (rows, width).
        batch: Rows in a batch.
        seed: Of the order.
    """

    def __init__(self, rows: NDArray[np.float32], batch: int, seed: int) -> None:
        self._rows, self._batch, self._seed = rows, min(batch, len(rows)), seed
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, np.int64)

    def at(self, step: int) -> Tensor:
        """The batch of a step, from 0."""
        epoch, place = divmod(step, len(self._rows) // self._batch)
        if epoch != self._epoch:
            self._order = np.random.default_rng([self._seed, epoch]).permutation(len(self._rows))
            self._epoch = epoch
        # Sorted, since rows that lie together are read together; the order within a batch says nothing.
        taken = np.sort(self._order[place * self._batch : (place + 1) * self._batch])
        return torch.from_numpy(np.array(self._rows[taken]))


def _chosen(
    output: Tensor, info: LayerInfo, tokens: TokenChoice, settings: TrainingSettings, numbers: Sequence[int]
) -> dict[str, list[NDArray[np.float32]]]:
    """The rows of some pictures, by the part that each picture belongs to."""
    values = chosen(output, info, Tokens(tokens)).float().cpu().numpy()
    if not np.isfinite(values).all():
        raise ClipDeskError(f"{info.name} gives values that are not finite numbers, from which nothing can be learnt")
    found: dict[str, list[NDArray[np.float32]]] = {part: [] for part in _FILES}
    for number, rows in zip(numbers, values, strict=True):
        if len(rows) > settings.positions:
            rng = np.random.default_rng([settings.seed, number])
            rows = rows[np.sort(rng.choice(len(rows), settings.positions, replace=False))]
        found["held_out" if number % _HELD_OUT == _HELD_OUT - 1 else "training"].append(rows)
    return found


def _append(folder: Path, rows: dict[str, list[NDArray[np.float32]]]) -> None:
    for part, arrays in rows.items():
        with (folder / _FILES[part]).open("ab") as file:
            for array in arrays:
                file.write(np.ascontiguousarray(array).data)


def _note(folder: Path, width: int, before: Gathered, done: int, left_out: int) -> Gathered:
    """Note what is in the files now: whatever a killed process has written after its last note does not count."""
    sizes = {part: _size(folder / name) // (4 * width) for part, name in _FILES.items()}
    gathered = Gathered(before.done + done, before.left_out + left_out, **sizes)
    partial = folder / f"{_NOTE}.partial"
    partial.write_text(json.dumps(vars(gathered)), "utf-8")
    os.replace(partial, folder / _NOTE)
    return gathered


def _cut_to_note(folder: Path, width: int) -> Gathered:
    """What an earlier process has noted; the files are cut to that."""
    gathered = Gathered()
    with suppress(OSError, ValueError, TypeError):
        gathered = Gathered(**json.loads((folder / _NOTE).read_text("utf-8")))
    wanted = {part: 4 * width * int(getattr(gathered, part)) for part in _FILES}
    if any(_size(folder / _FILES[part]) < size for part, size in wanted.items()):
        gathered, wanted = Gathered(), dict.fromkeys(_FILES, 0)
    for part, size in wanted.items():
        with (folder / _FILES[part]).open("ab") as file:
            file.truncate(size)
    return gathered


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
