"""First steps: what the window does by itself when a model was opened, and the first render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.gui.problems import Problem
from clipdesk.models.catalogue import SHOWPIECES

if TYPE_CHECKING:
    from clipdesk.gui.desk import QueueDesk
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.session import Session
    from clipdesk.gui.worker import OpenedModel


class FirstSteps(QObject):
    """Puts the focus and the first selection where they are useful, and offers what was left unfinished.

    Args:
        session: Knows the open model.
        desk: Looks for jobs that an earlier window did not finish, once the first model is open.
        architecture: Its tree gets the focus.
        neurons: A neuron is selected in it if the model has one to show first.
        canvas: It greets until there are pictures.
        start: Whether to render a neuron as soon as the first model is open.

    Signals:
        render_asked: A tuple of targets.
    """

    render_asked = Signal(object)

    def __init__(
        self,
        session: Session,
        desk: QueueDesk,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
        canvas: Canvas,
        *,
        start: bool,
    ) -> None:
        super().__init__(session)
        self._session = session
        self._desk = desk
        self._architecture = architecture
        self._neurons = neurons
        self._canvas = canvas
        self._start = start
        self._looked = False
        canvas.welcome.first_asked.connect(self.render_first)

    @Slot(object)
    def take(self, opened: OpenedModel) -> None:
        """A model was opened, and the panels show it."""
        self._architecture.tree.setFocus()
        if str(opened.name) in SHOWPIECES:
            self._select(*SHOWPIECES[str(opened.name)])
        if not self._canvas.tracks:
            self._canvas.greet(ready=True)
        if self._start:
            self._start = False
            self.render_first()
        if not self._looked:
            self._looked = True
            self._look_for_jobs()

    def _look_for_jobs(self) -> None:
        preferences = self._session.preferences
        if preferences.problem:
            self._session.complain(Problem(preferences.problem))
        self._desk.look(preferences.folder)

    @Slot()
    def render_first(self) -> None:
        """Render the selected neurons, or one from the middle of the model."""
        if not self._neurons.selected() and self._session.model is not None:
            layers = [node.info for node in self._session.model.tree.walk() if node.info.reason is None]
            self._select(layers[len(layers) // 2].name, 0)
        self.render_asked.emit(self._neurons.selected())

    def _select(self, layer: str, index: int) -> None:
        self._architecture.choose(layer)
        self._neurons.select(index, quietly=True)
