"""All that shows surveys in the window: the pages, the bar over them, and the threads that are asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot
from PySide6.QtWidgets import QWidget

from clipdesk.gui.center import FIND, UNIT
from clipdesk.gui.panels.find import FindPage
from clipdesk.gui.panels.survey_bar import SurveyBar
from clipdesk.gui.panels.unit_page import UnitPage
from clipdesk.gui.rendered_unit import RenderedUnit
from clipdesk.gui.survey_pages import SurveyPages
from clipdesk.gui.surveys.desk import SurveyDesk
from clipdesk.gui.surveys.making import Surveyor
from clipdesk.gui.unit_marks import UnitMarks

if TYPE_CHECKING:
    from pathlib import Path

    from clipdesk.gui.asking import Asking
    from clipdesk.gui.center import Center
    from clipdesk.gui.commands import Commands
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.marking import Marking
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.gallery import GalleryPanel
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.session import Session


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
        self.modes: dict[str, QWidget] = {UNIT: self.unit, FIND: self.find}
        self.places: dict[str, QWidget] = {UNIT: self.unit.photos, FIND: self.find.box}

    def join(
        self,
        center: Center,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
        gallery: GalleryPanel,
        controller: RenderController,
        asking: Asking,
        commands: Commands,
        marking: Marking,
    ) -> None:
        """Join them with what they are shown in, asked from, and have rendered."""
        session, desk, page = self._session, self.desk, self.unit
        self.pages = SurveyPages(session, center, desk, self.surveyor, self.bar, page, self.find, architecture, neurons)
        self.rendered = RenderedUnit(session, controller, gallery, desk, page)
        self.marks = UnitMarks(session, marking, page)
        for show in (self.rendered.show_unit, self.marks.show_unit):
            self.pages.shown.connect(show)
        commands.find.triggered.connect(self.pages.show_find)
        page.render_action.triggered.connect(lambda: asking.render_beside(self.rendered.targets()))

    @Slot(object)
    def find_image(self, image: Path) -> None:
        """Search for units by an image."""
        self.pages.find_image(image)

    def close(self) -> bool:
        """Keep what a survey has found, and wait for the threads; False if one is stuck."""
        return self.surveyor.close() and self.desk.close()
