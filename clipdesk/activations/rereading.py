"""A survey as another CLIP reads it: its pictures embedded by that one, so that its texts can name the units."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray

from clipdesk.activations.moments import EmbeddingMoments
from clipdesk.activations.pooling import Pooled
from clipdesk.activations.reading import PooledReader
from clipdesk.activations.statistics import Embeddings, Key, UnitStatistics
from clipdesk.activations.sums import LayerSums
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError
from clipdesk.imagesets.pixels import fitted
from clipdesk.imagesets.reading import decode_image
from clipdesk.network.opened import OpenModel

_BATCH = 16
_CPU = torch.device("cpu")


def read_by(survey: Survey, reader: OpenModel, thumbnail: Callable[[str], bytes | None]) -> Survey:
    """The sampled pictures of a survey alone, with the embeddings that another model has for them.

    All questions can be asked of it; their answers rest on up to 512 pictures. A model that names its own units judges
    itself, and another one does not.

    Args:
        survey: A survey.
        reader: The other model.
        thumbnail: Gives the thumbnail of the picture at a place, as WebP; None where there is none.

    Raises:
        UsageError: there are not two thumbnails, or one is damaged.
    """
    found = ((column, thumbnail(survey.pictures[index].place)) for column, index in enumerate(survey.sample.tolist()))
    small = {column: webp for column, webp in found if webp is not None}
    if len(small) < 2:
        raise UsageError("The survey has no thumbnails for another model to read. Make it anew with: clipdesk survey")
    rows = torch.cat(list(_embedded(reader, list(small.values()))))
    moments = EmbeddingMoments.of(rows)
    columns = np.array(list(small), dtype=np.int64)
    return Survey(
        model=survey.model,
        weights=survey.weights,
        source=survey.source,
        pictures=[survey.pictures[index] for index in survey.sample[columns].tolist()],
        embeddings=Embeddings(rows.half().numpy(), moments.mean.numpy(), moments.scatter.numpy()),
        sample=np.arange(len(columns), dtype=np.int32),
        statistics=_Sampled(survey, columns, rows, moments),
    )


class _Sampled(Mapping[Key, UnitStatistics]):
    """Statistics over the sampled pictures, made when they are asked for."""

    def __init__(
        self, survey: Survey, columns: NDArray[np.int64], rows: torch.Tensor, moments: EmbeddingMoments
    ) -> None:
        self._survey, self._columns, self._moments = survey, columns, moments
        self._centred = (rows.double() - moments.mean).float()
        self._made = cache(self._make)

    def __getitem__(self, key: Key) -> UnitStatistics:
        return self._made(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._survey.statistics)

    def __len__(self) -> int:
        return len(self._survey.statistics)

    def _make(self, key: Key) -> UnitStatistics:
        sample = self._survey.statistics[key].sample[:, self._columns]
        count, width = len(self._columns), self._centred.shape[1]
        numbers = torch.arange(count)
        pooled = Pooled(torch.from_numpy(sample.T.astype(np.float32)))
        sums = LayerSums(len(sample), width, _CPU, placed=False)
        sums.add(pooled, numbers, self._centred, self._moments, EmbeddingMoments.none(width, _CPU))
        sums.keep(pooled, range(count), range(count))
        return sums.statistics(key, count, range(count), numbers)


def _embedded(reader: OpenModel, pictures: list[bytes]) -> Iterator[torch.Tensor]:
    pooled = PooledReader(reader, [], "float32")
    for first in range(0, len(pictures), _BATCH):
        opened = [decode_image(webp, "a thumbnail") for webp in pictures[first : first + _BATCH]]
        pixels = np.stack([np.asarray(fitted(each, reader.side)).transpose(2, 0, 1) for each in opened])
        yield pooled.read(torch.from_numpy(pixels))[1].cpu()
