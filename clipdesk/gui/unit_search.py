"""What happens between the search page and the rest of the window."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.gui.center import FIND

if TYPE_CHECKING:
    from clipdesk.gui.center import Center
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.find import FindPage
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.data import Question
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.surveys.making import Surveyor
    from clipdesk.network.layers import LayerInfo


class UnitSearch(QObject):
    """Has a survey answer what is searched for.

    Args:
        session: Knows the open model.
        center: Shows the page.
        desk: Asks surveys.
        surveyor: Makes them.
        find: The search page.
        page: The unit page, from which like units and words are searched for.
        architecture: Where layers are chosen.
    """

    def __init__(
        self,
        session: Session,
        center: Center,
        desk: SurveyDesk,
        surveyor: Surveyor,
        find: FindPage,
        page: UnitPage,
        architecture: ArchitecturePanel,
    ) -> None:
        super().__init__(session)
        self._session, self._center, self._find, self._page = session, center, find, page
        self._desk, self._surveyor = desk, surveyor
        session.model_changed.connect(self._model_changed)
        center.changed.connect(self._center_changed)
        architecture.layer_chosen.connect(self._layer_chosen)
        desk.changed.connect(find.ask_again)
        desk.found.connect(find.show_found)
        desk.mapped.connect(find.show_maps)
        desk.pictures.connect(find.found.add_images)
        desk.reading.connect(self._show_reading)
        surveyor.changed.connect(self._show_waiting)
        page.word_chosen.connect(self.find_word)
        page.like_action.triggered.connect(self._find_like)
        find.asked.connect(self._ask_find)
        find.pictures_wanted.connect(self._ask_pictures)

    @Slot()
    def _model_changed(self) -> None:
        self._find.forget(self._session.model.name if self._session.model else None)
        self._find.show_layer(None)

    @Slot()
    def _center_changed(self) -> None:
        if self._center.mode == FIND:
            self._find.box.setFocus()

    @Slot(object)
    def _layer_chosen(self, layer: LayerInfo) -> None:
        self._find.show_layer(layer.name)

    @Slot(int, int)
    def _show_reading(self, done: int, total: int) -> None:
        self._find.show_reading(done / total)

    @Slot(list)
    def _ask_pictures(self, pictures: list[int]) -> None:
        self._desk.ask_pictures(pictures, "photos of the search")

    @Slot()
    def show_find(self) -> None:
        """Go to the search box."""
        self._center.show_mode(FIND)
        self._find.box.setFocus()
        self._find.box.selectAll()

    @Slot(str)
    def find_word(self, word: str) -> None:
        """Search by a word."""
        self._center.show_mode(FIND)
        self._find.search_text(word)

    def find_image(self, image: Path) -> None:
        """Search by an image."""
        self._center.show_mode(FIND)
        self._find.search_image(image)

    @Slot()
    def _find_like(self) -> None:
        if self._page.pooled is not None:
            self._center.show_mode(FIND)
            self._find.search_like(self._page.pooled)

    @Slot(object)
    def _ask_find(self, question: Question) -> None:
        if self._desk.current is None:
            self._show_waiting()
        else:
            self._desk.ask_find(question)

    @Slot()
    def _show_waiting(self) -> None:
        """Say what a search waits for while there is no survey; it is asked again when there is one."""
        question, model = self._find.question, self._session.model
        if question is None or self._desk.current is not None:
            return
        making = self._surveyor.making
        ours = making is not None and model is not None and making.job.weights == model.weights
        if self._surveyor.busy and ours:
            words = f"Units for {question.words} are listed as soon as the survey is done"
        elif self._surveyor.busy:
            words = "A survey is needed to search in: it can be made when that of the other model is done"
        elif self._desk.looked:
            words = "A survey is needed to search in: begin one with the button above"
        else:
            words = "Looking for surveys …"
        self._find.show_found(question, words)
