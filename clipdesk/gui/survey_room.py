"""All that shows surveys in the window: the pages, the bar over them, and the threads that are asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from clipdesk.gui import wiring
from clipdesk.gui.center import FIND, UNIT, WALL
from clipdesk.gui.filling import Filling
from clipdesk.gui.panels.find import FindPage
from clipdesk.gui.panels.survey_bar import SurveyBar
from clipdesk.gui.panels.unit_page import UnitPage
from clipdesk.gui.panels.wall import WallPanel
from clipdesk.gui.rendered_unit import RenderedUnit
from clipdesk.gui.survey_pages import SurveyPages
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.gui.surveys.desk import SurveyDesk
from clipdesk.gui.surveys.making import Surveyor
from clipdesk.gui.surveys.readers import Readers
from clipdesk.gui.surveys.thorough import ThoroughChecks
from clipdesk.gui.unit_marks import UnitMarks
from clipdesk.gui.unit_out import UnitOut
from clipdesk.gui.unit_search import UnitSearch

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtCore import QSettings

    from clipdesk.gui.asking import Asking
    from clipdesk.gui.center import Center
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.estimates import Estimates
    from clipdesk.gui.marking import Marking
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.neuron_table import NeuronTable
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.results import Results
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.data import LayerFacts
    from clipdesk.render.targets import Unit

_COLUMNS = "neurons/columns"


class SurveyRoom(QObject):
    """Makes the parts, and joins them with the rest of the window.

    Args:
        session: What the window's parts share.

    Attributes:
        modes: The pages, by their mode of the centre.
        places: Where the keyboard goes in each.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.desk = SurveyDesk(self)
        self.surveyor = Surveyor(self)
        self.bar = SurveyBar()
        self.unit = UnitPage()
        self.find = FindPage()
        self.wall = WallPanel(session.preferences.store)
        self.filling = Filling(session, self.wall)
        self.modes: dict[str, QWidget] = {UNIT: self.unit, FIND: self.find, WALL: self.wall}
        self.places: dict[str, QWidget] = {WALL: self.wall.view, UNIT: self.unit.photos, FIND: self.find.box}

    def join(
        self,
        center: Center,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
        results: Results,
        controller: RenderController,
        asking: Asking,
        commands: Commands,
        marking: Marking,
        estimates: Estimates,
    ) -> None:
        """Join them with what they are shown in, asked from, and have rendered."""
        session, desk, page = self._session, self.desk, self.unit
        self.pages = SurveyPages(session, center, desk, self.surveyor, self.bar, page, self.find, architecture, neurons)
        self.search = UnitSearch(session, center, desk, self.surveyor, self.find, page, architecture)
        readers = Readers(session.preferences, self)
        self.checks = ThoroughChecks(desk, partial(estimates.foreseen, measure=True), readers)
        estimates.changed.connect(self.checks.changed)
        self.checks.failed.connect(session.complain)
        self.checks.said.connect(session.say)
        self.rendered = RenderedUnit(session, controller, results, neurons.model, desk, page, self.checks)
        self.out = UnitOut(session, desk, page)
        self.marks = UnitMarks(session, marking, page)
        # It is in the bar, and no other program's.
        self.surveyor.numbered.connect(controller.desk.leave_out)
        for show in (self.rendered.show_unit, self.marks.show_unit):
            self.pages.shown.connect(show)
        wiring.connect_wall(center, session, self.wall, self.filling, results, neurons, asking)
        architecture.layer_chosen.connect(self.filling.show_layer)
        desk.tabled.connect(self._fill)
        self.wall.targets_chosen.connect(self._open_unit)
        self.marks.changed.connect(self._show_marks)
        architecture.layer_chosen.connect(self._show_marks)
        self._neurons = neurons
        _keep_columns(neurons.table, session.preferences.store)
        self._center, self._asking = center, asking
        commands.render.triggered.connect(self._render)
        commands.find.triggered.connect(self.search.show_find)
        page.render_action.triggered.connect(lambda: asking.render_beside(self.rendered.targets()))
        page.write_action.triggered.connect(lambda: asking.render(self.rendered.written()))

    @Slot()
    def _render(self) -> None:
        """Render what is selected: a unit forms on its page if that is shown, everything else on the canvas."""
        selected = self._neurons.selected()
        if self._center.mode == UNIT and selected == self.rendered.targets():
            self._asking.render_beside(selected)
        else:
            self._asking.render(selected)

    @Slot(str, object)
    def _fill(self, layer: str, facts: LayerFacts) -> None:
        if self.desk.current is not None:
            self.filling.show_facts(self.desk.current, layer, facts)

    @Slot(object)
    def _open_unit(self, targets: tuple[Unit, ...]) -> None:
        self.pages.go(PooledUnit(targets[0].layer, targets[0].index))

    @Slot()
    def _show_marks(self) -> None:
        layer = self._neurons.model.layer
        if layer is not None:
            self._neurons.model.show_marks(self.marks.of_layer(layer.name))

    @Slot(object)
    def find_image(self, image: Path) -> None:
        """Search for units by an image."""
        self.search.find_image(image)

    def close(self) -> bool:
        """Keep what a survey has found, and wait for the threads; False if one is stuck."""
        ended = [part.close() for part in (self.surveyor, self.checks, self.desk, self.filling)]
        return all(ended)


def _keep_columns(table: NeuronTable, store: QSettings) -> None:
    """Show the columns that were chosen in an earlier session, and keep those that are chosen."""
    kept = str(store.value(_COLUMNS, "")).split(",")
    known = {key: f"-{key}" not in kept and (shown or key in kept) for key, shown in table.columns.items()}
    table.choose_columns(known)

    def keep() -> None:
        store.setValue(_COLUMNS, ",".join(key if shown else f"-{key}" for key, shown in table.columns.items()))

    table.columns_chosen.connect(keep)
