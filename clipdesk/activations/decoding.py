"""Pictures of a set, read ahead on other threads and made ready for a model."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from clipdesk.activations.statistics import Surveyed
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.sets import ImageSet, LeftOut

THUMBNAIL = 224
"""Side of a thumbnail, in pixels."""

_AHEAD = 3
"""Forward passes whose pictures are read ahead for a GPU. For a CPU none are: its cores would wait for each other."""
_QUALITY = 80


class Thumbnail(NamedTuple):
    """A picture as the model sees it.

    Attributes:
        place: Where the picture is in its set.
        webp: As WebP, 224 px.
    """

    place: str
    webp: bytes


class Prepared(NamedTuple):
    """A picture that is ready for the model.

    Attributes:
        number: Its index in the set.
        picture: What is known of it.
        pixels: uint8, (3, side, side).
        thumbnail: It, small.
    """

    number: int
    picture: Surveyed
    pixels: NDArray[np.uint8]
    thumbnail: Thumbnail


def read_ahead(
    images: ImageSet,
    indices: Sequence[int],
    side: int,
    batch: int,
    device: torch.device,
    *,
    small: bool = True,
) -> Iterator[list[Prepared | LeftOut]]:
    """Pictures of a set in batches, in order, for a model on a device; in place of those that cannot be read, why.

    Args:
        images: The set.
        indices: Which of its pictures.
        side: Side of the pictures that the model takes, in pixels.
        batch: How many at once.
        device: Where the model is.
        small: Whether thumbnails are made, which takes longer than all else; without, they are empty.
    """
    pool = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="pictures")
    ahead_of_it = batch * (1 if device.type == "cpu" else _AHEAD)
    ahead: deque[Future[Prepared | LeftOut]] = deque()
    left = iter(indices)
    try:
        while True:
            while len(ahead) < ahead_of_it and (index := next(left, None)) is not None:
                ahead.append(pool.submit(_prepare, images, index, side, small))
            if not ahead:
                return
            yield [ahead.popleft().result() for _ in range(min(batch, len(ahead)))]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _prepare(images: ImageSet, index: int, side: int, with_thumbnail: bool) -> Prepared | LeftOut:
    known = images.pictures[index]
    try:
        read = images.read(index, max(side, THUMBNAIL))
    except UsageError as error:
        return LeftOut(known.place, str(error))
    seen = fitted(read.image, side)
    file = BytesIO()
    if with_thumbnail:
        small = seen if side == THUMBNAIL else fitted(read.image, THUMBNAIL)
        small.save(file, "WEBP", quality=_QUALITY, method=0)
    picture = Surveyed.of(known.place, known.label, known.caption, read.sha256)
    pixels = np.ascontiguousarray(np.asarray(seen).transpose(2, 0, 1))
    return Prepared(index, picture, pixels, Thumbnail(known.place, file.getvalue()))
