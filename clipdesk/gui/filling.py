"""Filling: hangs the chosen layer's units on the wall, with their pictures and what a survey knows of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.background import Background
from clipdesk.gui.item_models.neurons import UnitState
from clipdesk.gui.wall.source import Picture

if TYPE_CHECKING:
    from clipdesk.gui.panels.wall import WallPanel
    from clipdesk.gui.session import Session
    from clipdesk.gui.wall.surveyed import SurveyedLayer
    from clipdesk.network.layers import LayerInfo
    from clipdesk.render.targets import Unit


class Filling(QObject):
    """Fills the wall.

    The survey is opened while the wall is in front, on a thread of its own.

    Args:
        session: Knows the open model.
        wall: Is filled.
    """

    _opened = Signal(str, object)

    def __init__(self, session: Session, wall: WallPanel) -> None:
        super().__init__(session)
        self._session = session
        self._wall = wall
        self._layer: LayerInfo | None = None
        self._pictures: defaultdict[str, dict[int, Picture]] = defaultdict(dict)
        self._in_front = False
        self._asked: tuple[str, str | None] | None = None
        self._back = Background(self)
        self._back.failed.connect(session.complain)
        self._opened.connect(self._show_source)
        wall.failed.connect(session.complain)

    @Slot(object)
    def show_layer(self, layer: LayerInfo) -> None:
        """Hang a layer's units."""
        self._layer, self._asked = layer, None
        self._wall.show_layer(layer.name, layer.units, self._pictures[layer.name])
        self._look_for_survey()

    @Slot(object)
    def show_model(self, _opened: object) -> None:
        """Begin anew with a model that was opened."""
        self._layer, self._asked = None, None
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

    def set_in_front(self, in_front: bool) -> None:
        """Hear whether the wall is seen: only then is a survey opened."""
        self._in_front = in_front
        self._look_for_survey()

    @property
    def idle(self) -> bool:
        """Whether no survey is looked for, and none has been found of the layer."""
        return self._asked is None

    def _look_for_survey(self) -> None:
        model, layer = self._session.model, self._layer
        if not self._in_front or model is None or layer is None:
            return
        asked = layer.name, model.weights
        if asked != self._asked and model.weights is not None:
            self._asked = asked
            self._back.start(partial(self._open, layer.name, model.weights))

    def _open(self, layer: str, weights: str) -> None:
        # Here: it loads NumPy, which the first sight of the window does without.
        from clipdesk.gui.wall.surveyed import newest

        self._opened.emit(layer, newest(weights, layer))

    @Slot(str, object)
    def _show_source(self, layer: str, source: SurveyedLayer | None) -> None:
        if source is None:
            # One that is made meanwhile is found when the wall comes to the front again.
            self._asked = None
        elif self._layer is not None and self._layer.name == layer:
            self._wall.show_source(source)

    def close(self, timeout_ms: int = 5_000) -> bool:
        """End the threads; False if one of them is stuck."""
        closed = self._wall.stop(timeout_ms)
        return self._back.wait(timeout_ms) and closed
