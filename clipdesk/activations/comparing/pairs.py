"""Sums over pairs of units, one of each model, from which correlations follow; they add up."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class PairSums:
    """Sums over the values of as many units of one model as of the other, by Chan, Golub and LeVeque (1983).

    Args:
        units: How many pairs; unit u of one is compared with unit u of the other.
        device: Where.
    """

    def __init__(self, units: int, device: torch.device) -> None:
        self.count = 0
        self.means = torch.zeros(2, units, dtype=torch.float64, device=device)
        self.products = torch.zeros(3, units, dtype=torch.float64, device=device)
        """Of the differences from the means: the first's squares, the second's, and both multiplied."""

    def add(self, first: Tensor, second: Tensor) -> None:
        """Take in the values of new pictures, float32, (pictures, units) each."""
        new = PairSums(first.shape[1], first.device)
        new.count = len(first)
        both = torch.stack([first, second.to(first.device)]).double()
        new.means = both.mean(dim=1)
        left, right = both - new.means[:, None]
        new.products = torch.stack([(a * b).sum(dim=0) for a, b in ((left, left), (right, right), (left, right))])
        self.merge(new)

    def merge(self, other: PairSums) -> None:
        """Take in the sums over other pictures."""
        count = self.count + other.count
        if not other.count:
            return
        apart = other.means - self.means
        between = torch.stack([apart[0] * apart[0], apart[1] * apart[1], apart[0] * apart[1]])
        self.products = self.products + other.products + between * (self.count * other.count / count)
        self.means = self.means + apart * (other.count / count)
        self.count = count

    def tensors(self) -> dict[str, Tensor]:
        """All of it, by name; `restore` takes it back."""
        return {"count": torch.tensor(self.count), "means": self.means, "products": self.products}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        device = self.means.device
        self.count = int(tensors["count"])
        self.means, self.products = tensors["means"].to(device), tensors["products"].to(device)

    def correlations(self) -> NDArray[np.float64]:
        """Pearson correlation of each pair, (units,); NaN where one of the two does not vary."""
        first, second, both = self.products.cpu().numpy()
        varies = (first > 0) & (second > 0)
        # One root of each, since the product of two small sums may be below what a float holds.
        scale = np.sqrt(first) * np.sqrt(second)
        found = np.full(len(both), np.nan)
        np.divide(both, scale, out=found, where=varies & (scale > 0))
        return np.clip(found, -1, 1, out=found)


class CrossSums:
    """Sums over each unit of one layer with each unit of another, (units of the first, units of the second).

    Args:
        first: Units of the first layer.
        second: Units of the second.
        device: Where.
    """

    def __init__(self, first: int, second: int, device: torch.device) -> None:
        self.count = 0
        self.means = [torch.zeros(units, dtype=torch.float64, device=device) for units in (first, second)]
        self.squares = [torch.zeros(units, dtype=torch.float64, device=device) for units in (first, second)]
        self.cross = torch.zeros(first, second, dtype=torch.float32, device=device)

    def add(self, first: Tensor, second: Tensor) -> None:
        """Take in the values of new pictures, float32, (pictures, units) each."""
        means, squares, centred = [], [], []
        for values in (first, second.to(first.device)):
            wide = values.double()
            means.append(wide.mean(dim=0))
            wide = wide - means[-1]
            squares.append(wide.square().sum(dim=0))
            centred.append(wide.float())
        self.cross.addmm_(centred[0].T, centred[1])
        self._merge(len(first), means, squares)

    def merge(self, other: CrossSums) -> None:
        """Take in the sums over other pictures."""
        if other.count:
            self.cross += other.cross
            self._merge(other.count, other.means, other.squares)

    def tensors(self) -> dict[str, Tensor]:
        """All of it, by name; `restore` takes it back."""
        sides = {f"{name}.{at}": each[at] for at in range(2) for name, each in self._sides}
        return {"count": torch.tensor(self.count), "cross": self.cross, **sides}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what `tensors` gave."""
        device = self.cross.device
        self.count, self.cross = int(tensors["count"]), tensors["cross"].to(device)
        for name, each in self._sides:
            each[:] = [tensors[f"{name}.{at}"].to(device) for at in range(2)]

    @property
    def _sides(self) -> tuple[tuple[str, list[Tensor]], ...]:
        return ("means", self.means), ("squares", self.squares)

    def correlations(self) -> NDArray[np.float32]:
        """Pearson correlation of each with each, (first's units, second's); 0 where one of the two does not vary."""
        scale = [torch.where(each > 0, each.rsqrt(), 0).float() for each in self.squares]
        found = self.cross * scale[0][:, None]
        found *= scale[1]
        return found.clamp_(-1, 1).cpu().numpy()

    def _merge(self, count: int, means: list[Tensor], squares: list[Tensor]) -> None:
        whole = self.count + count
        weight = self.count * count / whole
        apart = [new - old for new, old in zip(means, self.means, strict=True)]
        if self.count:
            self.cross.addr_((apart[0] * weight).float(), apart[1].float())
        for each in range(2):
            self.squares[each] = self.squares[each] + squares[each] + apart[each].square() * weight
            self.means[each] = self.means[each] + apart[each] * (count / whole)
        self.count = whole
