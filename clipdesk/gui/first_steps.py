"""First steps: what the window does by itself when a model was opened, and the first render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.errors import one_line
from clipdesk.gui.problems import Problem
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.models.catalogue import SHOWPIECES
from clipdesk.models.names import parse_name, plain_name
from clipdesk.network.layer_names import full_layer, suggestion

if TYPE_CHECKING:
    from clipdesk.gui.desk import QueueDesk
    from clipdesk.gui.last_time import LastTime
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.canvas import Canvas
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.session import Session
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName
    from clipdesk.network.layer_names import Place

_INVITATION = "Select neurons on the left, and press Enter to render them"


class FirstSteps(QObject):
    """Puts the focus and the first selection where they are useful, and offers what was left unfinished.

    Args:
        session: Knows the open model.
        desk: Looks for jobs that an earlier window did not finish, once the first model is open.
        architecture: Its tree gets the focus.
        neurons: A neuron is selected in it if the model has one to show first.
        canvas: It greets until there are pictures, at the first start.
        last_time: Where to go back to; None to render a neuron as soon as the first model is open.

    Signals:
        render_asked: A tuple of targets.
        unit_asked: A `PooledUnit` whose page is to be shown.
    """

    render_asked = Signal(object)
    unit_asked = Signal(object)

    def __init__(
        self,
        session: Session,
        desk: QueueDesk,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
        canvas: Canvas,
        *,
        last_time: LastTime | None,
    ) -> None:
        super().__init__(session)
        self._place: tuple[Place, ModelName | None] | None = None
        self._session = session
        self._desk = desk
        self._architecture = architecture
        self._neurons = neurons
        self._canvas = canvas
        self._last_time = last_time
        self._looked = False
        canvas.welcome.first_asked.connect(self._begin)
        if last_time is not None:
            last_time.restore_settings()

    def greet(self) -> None:
        """Say what can be done, while there are no pictures: to who comes for the first time, more than to others."""
        ready = self._session.model is not None
        preferences = self._session.preferences
        if not preferences.greeted or self._last_time is None:
            self.welcome()
            preferences.greeted = preferences.greeted or ready
        elif ready:
            self._canvas.show_message(_INVITATION)

    @Slot()
    def welcome(self) -> None:
        """Show the welcome."""
        model = self._session.model
        self._canvas.greet(model is not None, "" if model is None else str(plain_name(model.name)))

    def go_to(self, place: Place, model: str | None = None) -> None:
        """Show a unit or a layer when a model is opened, instead of where the user was.

        Args:
            place: What to show.
            model: The model that has it; None for the one that is opened next.
        """
        self._place = place, None if model is None else parse_name(model)

    @Slot(object)
    def take(self, opened: OpenedModel) -> None:
        """A model was opened, and the panels show it."""
        first, self._looked = not self._looked, True
        self._architecture.tree.setFocus()
        gone_back = self._gone(opened) or (first and self._last_time is not None and self._last_time.go_back(opened))
        if not gone_back:
            self._go_to_a_piece(opened)
        if not self._canvas.tracks:
            self.greet()
        if first and self._last_time is None:
            self.render_first()
        if first:
            self._look_for_jobs()

    def _go_to_a_piece(self, opened: OpenedModel) -> None:
        """Show the latents that were added to a model, or a unit of an embedded one."""
        latents = [node.info.name for node in opened.tree.walk() if node.info.unit_kind == "latent"]
        if latents:
            self._architecture.choose(latents[-1])
        elif (name := str(plain_name(opened.name))) in SHOWPIECES:
            self._select(*SHOWPIECES[name])

    def _gone(self, opened: OpenedModel) -> bool:
        """Go where `go_to` said, once; whether there is such a place."""
        asked, self._place = self._place, None
        if asked is None or asked[1] not in (None, opened.name):
            return False
        layers = {node.info.name: node.info for node in opened.tree.walk() if node.info.reason is None}
        (name, unit), _ = asked
        layer = full_layer(name, layers)
        info = layers.get(layer)
        if info is None:
            problem = f"There is no layer '{one_line(name)}' that can be shown. {suggestion(name, list(layers))}"
        elif unit is not None and unit >= info.units:
            problem = f"Layer '{layer}' has no {info.unit_kind} {unit}: it has {info.units:,}, which begin with 0"
        else:
            problem = ""
        if problem:
            self._session.complain(Problem(problem))
            return False
        self._architecture.choose(layer)
        if unit is not None:
            self._neurons.select(unit)
            self.unit_asked.emit(PooledUnit(layer, unit))
        return True

    def _look_for_jobs(self) -> None:
        preferences = self._session.preferences
        if preferences.problem:
            self._session.complain(Problem(preferences.problem))
        self._desk.look(preferences.folder)

    @Slot()
    def render_first(self) -> None:
        """Render the selected neurons, or else an embedded model's with a clear picture, or one from the middle."""
        model = self._session.model
        if not self._neurons.selected() and model is not None:
            layers = [node.info for node in model.tree.walk() if node.info.reason is None]
            middle = layers[len(layers) // 2].name, 0
            self._select(*SHOWPIECES.get(str(plain_name(model.name)), middle))
        self.render_asked.emit(self._neurons.selected())

    @Slot()
    def _begin(self) -> None:
        """The button is gone then, and the keyboard is of most use in the table that has what it rendered."""
        self.render_first()
        self._neurons.table.setFocus()

    def _select(self, layer: str, index: int) -> None:
        self._architecture.choose(layer)
        self._neurons.select(index, quietly=True)
