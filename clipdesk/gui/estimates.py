"""Estimates of what a render will take, from costs measured on this machine and corrected by how long runs took."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from clipdesk.gui.runs import Run
from clipdesk.gui.words import duration
from clipdesk.render.settings import COSTLY, RenderSettings

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName
    from clipdesk.render.cost import Cost

_DELAY_MS = 300
_READY = 0.5
"""Seconds from the wish to the first step."""
_SURE = 2.0
"""Seconds that a run must last at least to tell how long others will."""
_AT_LEAST, _AT_MOST = 0.85, 1.5
"""How far off a few steps may be that were measured while other programs ran."""
_Key = tuple[object, ...]


class _Measured(NamedTuple):
    """What was measured of some settings on the worker's thread.

    Attributes:
        cost: What a step takes.
        group: How many pictures fit side by side into the memory that was free then.
    """

    cost: Cost
    group: int


class Estimates(QObject):
    """Has costs measured when they are needed and no job runs.

    Args:
        controller: Measures, and tells how long runs took.

    Signals:
        changed: An estimate may read otherwise now.
    """

    changed = Signal()

    def __init__(self, controller: RenderController) -> None:
        super().__init__(controller)
        self._controller = controller
        self._model: OpenedModel | None = None
        self._places: dict[ModelName, dict[str, float]] = {}
        self._measured: dict[_Key, _Measured] = {}
        self._paces: dict[_Key, float] = {}
        self._wanted: RenderSettings | None = None
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._measure)
        controller.worker.measured.connect(self._note)
        controller.state_changed.connect(self._learn)

    @Slot(object)
    def show_model(self, model: OpenedModel) -> None:
        """Estimate for a model that was opened."""
        self._model = model
        names = [node.info.name for node in model.tree.walk()]
        # In the order in which a picture passes through them; the tower itself is the end.
        places = {name: i / max(1, len(names) - 1) for i, name in enumerate(names)} | {names[0]: 1.0}
        self._places[model.name] = places
        self.changed.emit()

    def text(self, count: int, layer: str | None, settings: RenderSettings) -> str:
        """How long rendering some units will take, and how much memory, in words.

        Args:
            count: How many units of one layer.
            layer: Dotted name of the layer; None for the end of the tower.
            settings: The settings to render with.

        Returns:
            The estimate; that it is being measured, if it is not known yet; empty if there is nothing to estimate.
        """
        if self._model is None or not count:
            return ""
        model = self._model.name
        measured = self._measured.get(_key(model, settings))
        if measured is None:
            self._wanted = settings
            self._timer.start()
            return "Measuring what this takes …"
        seconds = self._range(model, measured, count, layer, settings)
        least, most = (duration(max(1.0, each)) for each in seconds)
        memory = measured.cost.bytes(count, measured.group, self._depth(model, layer)) / 2**20
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        time = least if least == most else f"{least} to {most}"
        return f"{pictures}: about {time}, {memory:.0f} MB besides the model"

    def foreseen(
        self, count: int, layer: str | None, settings: RenderSettings, *, measure: bool = False
    ) -> tuple[float, float] | None:
        """As `text`, in seconds: what it takes at least and at most, equal after a run.

        Args:
            count: As for `text`, like the others.
            layer: The layer.
            settings: The settings.
            measure: Whether to measure what is not known yet.

        Returns:
            None if it is not known yet.
        """
        if self._model is None:
            return None
        model = self._model.name
        measured = self._measured.get(_key(model, settings))
        if measured is None and measure:
            self._wanted = settings
            self._timer.start()
        return None if measured is None else self._range(model, measured, count, layer, settings)

    def _range(
        self, model: ModelName, measured: _Measured, count: int, layer: str | None, settings: RenderSettings
    ) -> tuple[float, float]:
        seconds = measured.cost.seconds(count, settings.iterations, measured.group, self._depth(model, layer))
        pace = self._paces.get(_key(model, settings))
        low, high = (pace, pace) if pace is not None else (_AT_LEAST, _AT_MOST)
        return _READY + low * seconds, _READY + high * seconds

    def _depth(self, model: ModelName, layer: str | None) -> float:
        return self._places.get(model, {}).get(layer or "", 1.0)

    def _measure(self) -> None:
        if self._model is not None and self._wanted is not None:
            self._controller.measure(self._model.name, self._wanted)

    @Slot(object, object, object, int)
    def _note(self, model: ModelName, settings: RenderSettings, cost: Cost, group: int) -> None:
        # Another model may have been opened since it was asked for.
        self._measured[_key(model, settings)] = _Measured(cost, group)
        self.changed.emit()

    @Slot(object)
    def _learn(self, run: Run) -> None:
        """Learn from a run that has ended how far off the estimate was."""
        model, settings = run.job.model, run.job.settings
        key = _key(model, settings)
        if not run.state.finished or run.todo is not run.job or run.missing() or key not in self._measured:
            return
        first = run.job.targets[0]
        depth = max(self._depth(model, layer) for layer in first.reads)
        cost, group = self._measured[key]
        foreseen = cost.seconds(run.size, settings.iterations, group, depth)
        if foreseen > 0 and run.busy_seconds > _SURE:
            self._paces[key] = (run.busy_seconds - _READY) / foreseen
            self.changed.emit()


def _key(model: ModelName, settings: RenderSettings) -> _Key:
    return model, *(getattr(settings, setting) for setting in COSTLY)
