"""Comparison: what differs between two models over the same pictures."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.comparing.partners import ALONE, Partners
from clipdesk.activations.comparing.planning import LayerPair
from clipdesk.activations.questions.measures import ratios
from clipdesk.activations.statistics import NONE, UnitStatistics
from clipdesk.activations.survey import Survey
from clipdesk.errors import UsageError, nearest, one_line
from clipdesk.given import checked
from clipdesk.imagesets.sets import LeftOut

TOP = 20
"""Pictures at the top of a unit's range that are compared."""


@dataclass(frozen=True, eq=False)
class LayerComparison:
    """Two layers over the same pictures.

    Attributes:
        pair: The layers.
        first: What is known of the first's units.
        second: Of the second's.
        correlations: Of unit u of one with unit u of the other, (units,); NaN where one does not vary. None where
            partners were sought instead.
        weights: How far each unit's weights have moved (`weight_changes`); None where units have none of their own.
        partners: None where units are compared with those of the same number.
    """

    pair: LayerPair
    first: UnitStatistics
    second: UnitStatistics
    correlations: NDArray[np.float64] | None
    weights: NDArray[np.float64] | None
    partners: Partners | None

    @property
    def drift(self) -> NDArray[np.float64]:
        """How much each unit has changed: 1 - correlation with the unit of the same number, or with its partner.

        It is 1 where one of the two does not vary, and NaN where neither does.
        """
        found = self.correlations if self.partners is None else self.partners.correlations
        assert found is not None, "a comparison has one or the other"
        if self.partners is None:
            found = np.where(self.first.varies & self.second.varies, found, 0)
            found = np.where(self.first.varies | self.second.varies, found, np.nan)
        return np.asarray(1 - found, dtype=np.float64)

    @property
    def moved(self) -> NDArray[np.float64]:
        """Standard deviation of the difference between a unit's values in the two models, (units,).

        In units of the first layer's median standard deviation, so that it is small for units that hardly vary in
        either, whose correlation any noise destroys. NaN for no other.
        """
        others = self._others
        first, second = self.first.squares, self.second.squares[others]
        both = np.where(np.isfinite(self.drift), 1 - self.drift, 0) * np.sqrt(first * second)
        usual = float(np.median(self.first.deviations[self.first.varies])) if self.first.varies.any() else np.nan
        found = np.sqrt(np.maximum(first + second - 2 * both, 0) / self.first.count) / usual
        return np.where(others < 0, np.nan, found)

    @property
    def densities(self) -> NDArray[np.float64]:
        """By how much the share of the pictures in which a unit is above zero has grown, (units,); NaN for no other."""
        return np.where(self._others < 0, np.nan, self.second.densities[self._others] - self.first.densities)

    @property
    def tops(self) -> NDArray[np.float64]:
        """Share of each unit's top pictures that are not among the other's, (units,).

        NaN for no other, and where no picture excites the unit in the first model.
        """
        first, second = self.first.exciting.pictures[:, :TOP], self.second.exciting.pictures[self._others, :TOP]
        there = first != NONE
        kept = (first[:, :, None] == second[:, None, :]).any(axis=2) & there
        gone = 1 - ratios(kept.sum(axis=1), there.sum(axis=1), there.any(axis=1))
        return np.where(self._others < 0, np.nan, gone)

    def other(self, unit: int) -> int:
        """The unit of the second layer that a unit of the first is compared with; -1 for none."""
        return unit if self.partners is None else int(self.partners.best[unit])

    def note(self, unit: int) -> str:
        """What is to be said of a unit's numbers; may be empty."""
        other = self.other(unit)
        silent = not self.first.varies[unit], other < 0 or not self.second.varies[other]
        if self.partners is not None and not silent[0]:
            return f"no partner above {ALONE:g}" if self.partners.alone[unit] else ""
        return {(True, True): "constant in both", (True, False): "constant in A", (False, True): "constant in B"}.get(
            silent, ""
        )

    @property
    def _others(self) -> NDArray[np.int64]:
        return np.arange(self.first.units) if self.partners is None else self.partners.best


@dataclass(frozen=True)
class Drifted:
    """A unit that has changed.

    Attributes:
        layer: The layers it is in.
        unit: Its index in the first model.
        other: The unit of the second that it is compared with; -1 for none.
        drift: 1 - correlation.
        moved: How far its values are from the other's (`LayerComparison.moved`).
        weights: Share by which its weights have moved; NaN where that is not known.
        density: By how much the share of pictures in which it is above zero has grown.
        top: Share of its top pictures that are others now.
        note: What is to be said of it; may be empty.
    """

    layer: LayerPair
    unit: int
    other: int
    drift: float
    moved: float
    weights: float
    density: float
    top: float
    note: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """What differs between two models.

    Attributes:
        first: What the first model's units answer to, in one pooling.
        second: The second's, in the same pictures, in the same order.
        layers: The layers that were compared.
        cka: Linear CKA (`kernels.cka`) of each layer of one with each of the other, over the sampled pictures.
        rows: The first's layers.
        columns: The second's.
        notes: What the user should know, a sentence each.
        left_out: Pictures that could not be read.
    """

    first: Survey
    second: Survey
    layers: tuple[LayerComparison, ...]
    cka: NDArray[np.float64]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: Sequence[LeftOut]

    @checked
    def layer(self, name: str) -> LayerComparison:
        """The comparison of a layer of the first model.

        Raises:
            UsageError: it was not compared.
        """
        found = next((each for each in self.layers if name in (each.pair.first, each.pair.short)), None)
        if found is None:
            there = [each.pair.short for each in self.layers]
            raise UsageError(f"The layer '{one_line(name)}' was not compared. {nearest(name, there)}")
        return found

    @checked
    def drifted(
        self, count: int = 20, layers: Collection[str] | None = None, *, sort: Literal["drift", "moved"] = "drift"
    ) -> list[Drifted]:
        """The units that have changed most.

        Args:
            count: How many, at most.
            layers: Only of these layers of the first model.
            sort: By which number.

        Raises:
            UsageError: such a layer was not compared.
        """
        chosen = self.layers if layers is None else tuple(map(self.layer, layers))
        drifts = [getattr(each, sort) for each in chosen]
        places = np.concatenate([np.stack([np.full(len(d), at), np.arange(len(d))]) for at, d in enumerate(drifts)], 1)
        values = np.concatenate(drifts)
        order = np.argsort(np.where(np.isnan(values), np.inf, -values), kind="stable")
        order = order[: min(count, int(np.isfinite(values).sum()))]
        kinds = {at: _Numbers(chosen[at]) for at in dict.fromkeys(places[0, order].tolist())}
        return [kinds[at].of(unit) for at, unit in places[:, order].T.tolist()]

    def similarity(self, pair: LayerPair) -> float:
        """The linear CKA of two layers that were compared."""
        return float(self.cka[self.rows.index(pair.first), self.columns.index(pair.second)])


class _Numbers:
    """A layer's numbers, computed once for all of its units."""

    def __init__(self, layer: LayerComparison) -> None:
        self._layer = layer
        self._drift, self._moved, self._densities, self._tops = layer.drift, layer.moved, layer.densities, layer.tops

    def of(self, unit: int) -> Drifted:
        layer, weights = self._layer, self._layer.weights
        return Drifted(
            layer.pair,
            unit,
            layer.other(unit),
            float(self._drift[unit]),
            float(self._moved[unit]),
            float("nan") if weights is None else float(weights[unit]),
            float(self._densities[unit]),
            float(self._tops[unit]),
            layer.note(unit),
        )
