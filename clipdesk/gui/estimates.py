"""What the selected neurons will take, from costs measured on this machine and corrected by what runs really took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from clipdesk.gui.runs import Run
from clipdesk.gui.words import duration
from clipdesk.render.settings import COSTLY, RenderSettings
from clipdesk.render.targets import Target

if TYPE_CHECKING:
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.render.cost import Cost

_DELAY_MS = 300
_Key = tuple[object, ...]


class Estimates(QObject):
    """Has costs measured when they are needed and nothing runs.

    Signals:
        changed: There is something new to say.
    """

    changed = Signal()

    def __init__(self, controller: RenderController) -> None:
        super().__init__(controller)
        self._controller = controller
        self._model: OpenedModel | None = None
        self._places: dict[str, float] = {}
        self._costs: dict[_Key, Cost] = {}
        self._paces: dict[_Key, float] = {}
        self._wanted: RenderSettings | None = None
        self._timer = QTimer(self, interval=_DELAY_MS, singleShot=True)
        self._timer.timeout.connect(self._measure)
        controller.worker.measured.connect(self._measured)
        controller.state_changed.connect(self._learn)

    def show_model(self, model: OpenedModel) -> None:
        """Another model is open."""
        self._model = model
        names = [node.info.name for node in model.tree.walk()]
        # In the order in which a picture passes through them; the tower itself is the end.
        self._places = {name: i / max(1, len(names) - 1) for i, name in enumerate(names)} | {names[0]: 1.0}
        self.changed.emit()

    def text(self, targets: tuple[Target, ...] | int, layer: str | None, settings: RenderSettings) -> str:
        """How long so many pictures of a layer will take, and how much memory; what is done about it, if unknown."""
        count = targets if isinstance(targets, int) else len(targets)
        if self._model is None or not count:
            return ""
        cost = self._costs.get(self._key(settings))
        if cost is None:
            self._wanted = settings
            self._timer.start()
            return "Measuring what this takes …"
        group, depth = self._group(settings, cost), self._places.get(layer or "", 1.0)
        seconds = cost.seconds(count, settings.iterations, group, depth) * self._paces.get(self._key(settings), 1.0)
        memory = cost.bytes(count, group, depth) / 2**20
        pictures = "1 picture" if count == 1 else f"{count} pictures"
        return f"{pictures}: about {duration(seconds)}, {memory:.0f} MB beside the model"

    def _key(self, settings: RenderSettings) -> _Key:
        name = self._model.name if self._model else ""
        return name, *(getattr(settings, setting) for setting in COSTLY)

    @staticmethod
    def _group(settings: RenderSettings, cost: Cost) -> int:
        from clipdesk.errors import ClipDeskError
        from clipdesk.jobs.groups import fitting
        from clipdesk.models.loading import resolve_device

        try:
            return fitting(cost.picture_bytes, resolve_device(settings.device))
        except ClipDeskError:
            return 1

    def _measure(self) -> None:
        if self._model is not None and self._wanted is not None:
            self._controller.measure(self._model.name, self._wanted)

    def _measured(self, settings: RenderSettings, cost: Cost) -> None:
        self._costs[self._key(settings)] = cost
        self.changed.emit()

    def _learn(self, run: Run) -> None:
        """A run that is through says how far off the estimate was."""
        settings = run.job.settings
        key = self._key(settings)
        if not run.state.finished or run.todo is not run.job or run.missing() or key not in self._costs:
            return
        first = run.job.targets[0]
        depth = max(self._places.get(layer, 1.0) for layer in first.reads)
        cost = self._costs[key]
        foreseen = cost.seconds(run.size, settings.iterations, self._group(settings, cost), depth)
        if foreseen > 0 and run.busy_seconds > 0:
            self._paces[key] = run.busy_seconds / foreseen
            self.changed.emit()
