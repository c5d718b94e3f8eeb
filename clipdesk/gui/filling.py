"""Filling: hangs the chosen layer's units on the wall, with their pictures and what a survey knows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.item_models.unit_columns import UnitState
from clipdesk.gui.wall.source import Picture

if TYPE_CHECKING:
    from clipdesk.gui.panels.wall import WallPanel
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.data import LayerFacts
    from clipdesk.gui.surveys.open_survey import OpenSurvey
    from clipdesk.network.layers import LayerInfo
    from clipdesk.render.targets import Unit


class Filling(QObject):
    """Fills the wall.

    Args:
        session: Knows the open model.
        wall: Is filled.
    """

    def __init__(self, session: Session, wall: WallPanel) -> None:
        super().__init__(session)
        self._wall = wall
        self._layer: LayerInfo | None = None
        self._pictures: defaultdict[str, dict[int, Picture]] = defaultdict(dict)
        wall.failed.connect(session.complain)

    @Slot(object)
    def show_layer(self, layer: LayerInfo) -> None:
        """Hang a layer's units."""
        self._layer = layer
        self._wall.show_layer(layer.name, layer.units, self._pictures[layer.name])

    @Slot(object)
    def show_model(self, _opened: object) -> None:
        """Begin anew with a model that was opened."""
        self._layer = None
        self._pictures.clear()
        self._wall.show_layer("", 0)

    @Slot(str, object)
    def add_found(self, layer: str, found: Mapping[int, UnitState]) -> None:
        """Hang pictures from the results folder; later ones of a unit are older, and do not take its place."""
        known = self._pictures[layer]
        new = {
            unit: Picture(state.thumbnail, state.faded, state.path)
            for unit, state in found.items()
            if state.thumbnail and unit not in known
        }
        self._add(layer, new)

    @Slot(object, object)
    def add_made(self, unit: Unit, state: UnitState) -> None:
        """Hang a picture that was made just now."""
        if state.thumbnail:
            self._add(unit.layer, {unit.index: Picture(state.thumbnail, state.faded, state.path)})

    def _add(self, layer: str, pictures: Mapping[int, Picture]) -> None:
        self._pictures[layer].update(pictures)
        if self._layer is not None and self._layer.name == layer:
            self._wall.set_pictures(pictures)

    def show_facts(self, survey: OpenSurvey, layer: str, facts: LayerFacts) -> None:
        """Show what a survey knows of a layer's units."""
        # Here: it loads NumPy, which the first sight of the window does without.
        from clipdesk.gui.wall.surveyed import SurveyedLayer

        if self._layer is not None and self._layer.name == layer and len(facts.tops) == self._layer.units:
            self._wall.show_source(SurveyedLayer(survey, layer, facts))

    def close(self, timeout_ms: int = 5_000) -> bool:
        """End the threads; False if one of them is stuck."""
        return self._wall.stop(timeout_ms)
