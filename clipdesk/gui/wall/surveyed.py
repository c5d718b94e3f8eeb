"""What a survey knows of a layer's units, for the wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.choosing import surveys_of
from clipdesk.activations.map_files import keep_map, map_path, read_map
from clipdesk.activations.questions.layer import COLUMNS, table
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.maps import MISSING, SEED, can_map, on_grid, positions
from clipdesk.activations.statistics import NONE
from clipdesk.activations.storing import open_survey, read_thumbnail


def newest(weights: str, layer: str) -> SurveyedLayer | None:
    """A layer of the newest survey that has it; None if there is none.

    Args:
        weights: SHA-256 of the model's weights.
        layer: Dotted name of the layer.

    Raises:
        UsageError: the survey is damaged.
    """
    for folder, manifest in surveys_of(weights, layers=[layer]):
        if any(file.layer == layer for file in manifest.layers):
            return SurveyedLayer(folder, layer)
    return None


class SurveyedLayer:
    """A layer of a survey, as a `WallSource`. It takes a second to open, and belongs on a thread of its own.

    Args:
        folder: The survey's folder.
        layer: Dotted name of the layer.

    Raises:
        UsageError: the survey is damaged, or does not have the layer.
    """

    def __init__(self, folder: Path, layer: str) -> None:
        self._folder = folder
        self._survey = open_survey(folder)
        self._statistics = statistics_of(self._survey, layer)
        # Whether units are dead or dense, which depends on a rectifier, is none of the columns.
        numbers = table(self._survey, self._statistics, rectified=False)
        self._columns = {name: np.asarray(getattr(numbers, name), dtype=np.float64) for name in COLUMNS}
        self._map_path = map_path(folder, self._statistics, SEED)

    @property
    def units(self) -> int:
        """Number of units."""
        return self._statistics.units

    @property
    def columns(self) -> Mapping[str, NDArray[np.float64]]:
        """The numbers of `questions.layer.COLUMNS`, (units,)."""
        return self._columns

    @property
    def words(self) -> Mapping[int, str]:
        """None: they need the model's text tower."""
        return {}

    @property
    def map_problem(self) -> str:
        """Why there can be no map; a kept one needs no openTSNE."""
        return "" if can_map() or read_map(self._map_path, self.units) is not None else MISSING

    def top_photo(self, unit: int) -> bytes | None:
        """The thumbnail of the picture that excites a unit most, as WebP."""
        picture = int(self._statistics.top.pictures[unit, 0])
        return None if picture == NONE else read_thumbnail(self._folder, self._survey.pictures[picture].place)

    def map_order(self, columns: int, stopped: Callable[[], bool]) -> NDArray[np.integer]:
        """The units in a grid, from the map that is kept beside the survey, or is made and kept now.

        Raises:
            UsageError: there is none, and openTSNE is not installed.
        """
        found = read_map(self._map_path, self.units)
        if found is None:
            found = positions(self._statistics, stopped=stopped)
            if not stopped():
                keep_map(self._map_path, found)
        return on_grid(found, columns)
