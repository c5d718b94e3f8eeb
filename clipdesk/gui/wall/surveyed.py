"""What a survey knows of a layer's units, for the wall."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from clipdesk.activations.map_files import keep_map, map_path, read_map
from clipdesk.activations.questions.layer import COLUMNS
from clipdesk.activations.questions.lookup import statistics_of
from clipdesk.activations.questions.maps import MISSING, SEED, can_map, on_grid, positions
from clipdesk.activations.statistics import NONE
from clipdesk.activations.storing import read_thumbnail
from clipdesk.gui.surveys.data import LayerFacts
from clipdesk.gui.surveys.open_survey import OpenSurvey


class SurveyedLayer:
    """A layer of a survey, as a `WallSource`.

    Args:
        survey: The survey.
        layer: Dotted name of the layer.
        facts: What is known of its units.
    """

    def __init__(self, survey: OpenSurvey, layer: str, facts: LayerFacts) -> None:
        self._survey, self._facts = survey, facts
        self._statistics = statistics_of(survey.survey, layer)
        self._columns = {name: np.asarray(getattr(facts.table, name), dtype=np.float64) for name in COLUMNS}
        self._words = {
            unit: f"{word.concept} {word.score}".rstrip() for unit, word in enumerate(facts.words) if word is not None
        }
        self._map_path = map_path(survey.folder, self._statistics, SEED)

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
        """The first word of each unit with its score."""
        return self._words

    @property
    def map_problem(self) -> str:
        """Why there can be no map; a kept one needs no openTSNE."""
        return "" if can_map() or read_map(self._map_path, self.units) is not None else MISSING

    def top_photo(self, unit: int) -> bytes | None:
        """The thumbnail of the picture that excites a unit most, as WebP."""
        picture = int(self._facts.tops[unit])
        known = self._survey.survey.pictures
        return None if picture == NONE else read_thumbnail(self._survey.folder, known[picture].place)

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
