"""Means, squares and cross products that add up, by the formulas of Chan, Golub and LeVeque (1983)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass
class EmbeddingMoments:
    """Sums over image embeddings.

    Attributes:
        count: Pictures.
        mean: float64, (width,).
        scatter: Sum of the outer product of (embedding - mean) with itself, float64, (width, width).
    """

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def of(cls, rows: Tensor) -> EmbeddingMoments:
        """Of embeddings, (pictures, width)."""
        wide = rows.double()
        mean = wide.mean(dim=0)
        centred = wide - mean
        return cls(len(rows), mean, centred.T @ centred)

    @classmethod
    def none(cls, width: int, device: torch.device) -> EmbeddingMoments:
        """Of no picture."""
        mean, scatter = (torch.zeros(shape, dtype=torch.float64, device=device) for shape in ((width,), (width, width)))
        return cls(0, mean, scatter)

    def merge(self, other: EmbeddingMoments) -> None:
        """Take in other pictures."""
        count = self.count + other.count
        if not other.count:
            return
        apart = other.mean - self.mean
        self.scatter += other.scatter + torch.outer(apart, apart) * (self.count * other.count / count)
        self.mean += apart * (other.count / count)
        self.count = count


class UnitMoments:
    """Sums over the activations of a layer's units, alone and with the image embedding.

    Args:
        units: How many.
        width: Of the embedding.
        device: Where.
    """

    def __init__(self, units: int, width: int, device: torch.device) -> None:
        self.means = torch.zeros(units, dtype=torch.float64, device=device)
        self.squares = torch.zeros(units, dtype=torch.float64, device=device)
        self.cross = torch.zeros(units, width, dtype=torch.float32, device=device)

    def add(
        self,
        values: Tensor,
        centred: Tensor,
        now: EmbeddingMoments,
        before: EmbeddingMoments,
        units: Tensor | None = None,
    ) -> None:
        """Take in new pictures.

        Args:
            values: float32, (units, pictures).
            centred: Their embeddings less their own mean, float32, (pictures, width).
            now: Of their embeddings.
            before: Of the embeddings of all pictures that were taken in earlier.
            units: The numbers of the units that the values are of; the others are zero in these pictures. By default
                all.
        """
        count = values.shape[1]
        means = values.sum(dim=1, dtype=torch.float64) / count
        # So near to zero that float32 is enough for the long products.
        differences = values - means.float()[:, None]
        rest = means - means.float()
        squares = differences.square().sum(dim=1, dtype=torch.float64) - count * rest.square()
        if units is not None:
            means, squares = (torch.zeros_like(self.means).index_copy_(0, units, each) for each in (means, squares))
        apart = self._merge_squares(means, squares, count, before.count)
        weight = math.sqrt(count * before.count / (count + before.count))
        left, right = (apart * weight).float(), ((now.mean - before.mean) * weight).float()
        if units is None:
            # The last row and column stand for the distance between the two means.
            self.cross.addmm_(torch.cat([differences, left[:, None]], dim=1), torch.cat([centred, right[None]]))
        else:
            self.cross.addr_(left, right)
            self.cross.index_add_(0, units, differences @ centred)

    def merge(self, other: UnitMoments, now: EmbeddingMoments, before: EmbeddingMoments) -> None:
        """Take in the sums of other pictures, whose embeddings are `now`."""
        apart = self._merge_squares(other.means, other.squares, now.count, before.count)
        weight = now.count * before.count / (now.count + before.count)
        self.cross += other.cross
        self.cross.addr_((apart * weight).float(), (now.mean - before.mean).float())

    def _merge_squares(self, means: Tensor, squares: Tensor, count: int, before: int) -> Tensor:
        """Merge means and squares of `count` pictures into those of `before`; returns how far the means were apart."""
        apart = means - self.means
        whole = count + before
        self.squares += squares + apart.square() * (count * before / whole)
        self.means += apart * (count / whole)
        return apart
