"""All that shows comparisons in the window: the page, and the threads that make and ask them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from clipdesk.errors import ClipDeskError
from clipdesk.gui.center import COMPARISON
from clipdesk.gui.comparisons.desk import ComparisonDesk
from clipdesk.gui.panels.comparison_page import PHOTO, WALL, ComparisonPage
from clipdesk.gui.problems import explained
from clipdesk.gui.surveys.making import Surveyor
from clipdesk.imagesets.suffixes import is_drawn
from clipdesk.jobs.set_work import ComparisonWork
from clipdesk.models.names import find_name, is_of_scenes, short_name
from clipdesk.paths import comparisons_folder

if TYPE_CHECKING:
    from PySide6.QtGui import QImage
    from PySide6.QtWidgets import QWidget

    from clipdesk.gui.center import Center
    from clipdesk.gui.comparisons.asked import AskedComparison
    from clipdesk.gui.comparisons.data import Changed, Layers, Listed, Side
    from clipdesk.gui.comparisons.pairs import Triple
    from clipdesk.gui.controller import RenderController
    from clipdesk.gui.item_models.changed import Photos, Words
    from clipdesk.gui.panels.comparison_choices import Choices
    from clipdesk.gui.panels.parameters import ParametersPanel
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.wall.source import Picture
    from clipdesk.render.settings import RenderSettings

_AT_ONCE = 100
"""Rows whose words are read in one go: those of the rows that come to be seen wait for them."""
_UNKNOWN = "Its weights have no checksum, so no comparison can be told from another: open the model from a file"


class ComparisonRoom(QObject):
    """Makes the parts, and joins them with the rest of the window.

    Args:
        session: Knows the open model, which is A.

    Attributes:
        modes: The page, by its mode of the centre.
        places: Where the keyboard goes in it.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.desk = ComparisonDesk(self)
        self.maker = Surveyor(self, ComparisonWork, comparisons_folder)
        self.page = ComparisonPage()
        self.modes: dict[str, QWidget] = {COMPARISON: self.page}
        self.places: dict[str, QWidget] = {COMPARISON: self.page.table}
        self._listed: Sequence[Listed] = ()
        self._looked = False
        self._stopped = self._rendering = False

    def join(
        self, center: Center, controller: RenderController, parameters: ParametersPanel, surveys: SurveyDesk
    ) -> None:
        """Join them with what they are shown in, the settings that they render with, and the model's surveys."""
        self._center, self._parameters, self._controller = center, parameters, controller
        self._surveys = surveys
        desk, maker, page, bar = self.desk, self.maker, self.page, self.page.bar
        for failed in (desk.failed, maker.failed):
            failed.connect(self._session.complain)
        # It is in the bar, and no other program's.
        maker.numbered.connect(controller.desk.leave_out)
        maker.changed.connect(self._show_bar)
        maker.made.connect(self._made)
        bar.asked.connect(self.compare)
        bar.chosen.connect(self._open)
        bar.steering.pause_asked.connect(maker.pause)
        bar.steering.resume_asked.connect(maker.resume)
        bar.steering.cancel_asked.connect(maker.cancel)
        page.unit_chosen.connect(self._ask_unit)
        page.ordered.connect(self._hang)
        page.rows_seen.connect(self._see_rows)
        page.tabs.currentChanged.connect(self._fill)
        page.wall.count_changed.connect(self._hang)
        page.wall.render_asked.connect(self._render_tiles)
        page.wall.stop_asked.connect(self._stop_tiles)
        page.wall.view.failed.connect(self._session.complain)
        page.unit.pictures_wanted.connect(desk.ask_pictures)
        page.unit.render_asked.connect(self._render)
        page.unit.stop_asked.connect(desk.stop_render)
        desk.listed.connect(self._list)
        desk.opened.connect(self._opened)
        desk.answered.connect(self._answered)
        desk.worded.connect(self._worded)
        desk.pictures.connect(self._show_pictures)
        desk.rendering.connect(self._show_rendering)
        desk.rendered.connect(self._rendered)
        desk.row_photos.connect(self._add_photos)
        desk.row_words.connect(self._worded_rows)
        desk.kept.connect(self._kept)
        desk.tiles.connect(self._add_tiles)
        desk.tiles_left.connect(self._show_left)
        center.changed.connect(self._look)
        center.changed.connect(self._fill)
        for changed in (surveys.changed, surveys.relisted):
            changed.connect(self._offer_images)
        self._session.model_changed.connect(self._model_changed)
        self._show_bar()

    @Slot()
    def _model_changed(self) -> None:
        self._looked, self._listed = False, ()
        self.desk.forget()
        self.page.show_none()
        self.page.bar.offer(self._session.preferences.recent_models)
        self._look()

    @Slot()
    def _look(self) -> None:
        """Look which comparisons there are when the page is seen for the first time with a model."""
        model = self._session.model
        if self._center.mode == COMPARISON and not self._looked and model is not None and model.weights is not None:
            self._looked = True
            self.maker.look(model.weights)
            self.desk.look(model.weights)
        self._show_bar()

    @Slot()
    def _show_bar(self) -> None:
        bar, model, making = self.page.bar, self._session.model, self.maker.making
        current = self.desk.current
        if model is None:
            bar.say("No model is open", ready=False)
        elif model.weights is None:
            bar.say(_UNKNOWN, ready=False)
        elif (
            making is not None
            and isinstance(making.job, ComparisonWork)
            and (self.maker.busy or making.job.weights == model.weights)
        ):
            bar.show_making(making, short_name(making.job.second))
        elif current is not None:
            bar.show_listed(self._listed, current.folder)
        else:
            bar.say(f"{short_name(model.name)} is A")

    @Slot()
    def _offer_images(self) -> None:
        """Offer drawn scenes first if A has seen them, else the images that it or another model was surveyed over."""
        model, asked = self._session.model, self._surveys.current
        known = self._surveys.last_set if asked is None else asked.manifest
        own = "" if known is None or is_drawn(known.source) else known.source
        self.page.bar.offer_images(own, scenes=model is not None and is_of_scenes(model.name))

    # Which comparison

    @Slot(str, str, object)
    def compare(self, second: str, images: str, choices: Choices) -> None:
        """Compare the open model with another.

        Args:
            second: Name or file of the other.
            images: What opens the images.
            choices: How.
        """
        model = self._session.model
        if model is None or model.weights is None:
            return
        if self.maker.busy:
            self._session.say("A comparison is being made: cancel it, or wait until it is done")
            return
        try:
            name = find_name(second)
        except ClipDeskError as error:
            self._session.complain(explained(error))
            return
        work = ComparisonWork(model=model.name, weights=model.weights, second=name, images=images, **choices._asdict())
        self.maker.begin(work)
        if self._controller.place:
            self._session.say("The comparison is made in this window: workers cannot share it")

    @Slot(object, str)
    def _made(self, job: ComparisonWork, name: str) -> None:
        self._session.say(f"The comparison with {short_name(job.second)} is done")
        if self._session.model is not None and job.weights == self._session.model.weights:
            self.desk.look(job.weights or "", comparisons_folder() / name if name else None)

    @Slot(object)
    def _open(self, folder: Path) -> None:
        model = self._session.model
        if model is not None and model.weights is not None:
            self.desk.look(model.weights, folder=folder)

    @Slot(list)
    def _list(self, listed: Sequence[Listed]) -> None:
        self._listed = listed
        # Also where nothing else is opened: the box goes back to what is shown.
        self._show_bar()

    @Slot(object, object, object)
    def _opened(self, asked: AskedComparison | None, rows: list[Changed], layers: Layers) -> None:
        if asked is None:
            self.page.show_none()
        else:
            self.page.show_comparison(rows, layers, asked.manifest.notes)
        self._show_bar()

    # The unit

    @Slot(object)
    def _ask_unit(self, changed: Changed) -> None:
        self.desk.stop_render()
        self.desk.ask_unit(changed.place, self._settings())

    def _is_shown(self, asked: AskedComparison, place: int) -> bool:
        shown = self.page.unit.changed
        return asked is self.desk.current and shown is not None and shown.place == place

    @Slot(object, int, object)
    def _answered(self, asked: AskedComparison, place: int, sides: Sequence[Side]) -> None:
        if self._is_shown(asked, place):
            self.page.unit.show_sides(sides)

    @Slot(object, int, object)
    def _worded(self, asked: AskedComparison, place: int, words: object) -> None:
        if self._is_shown(asked, place) and isinstance(words, (str, tuple)):
            self.page.unit.show_words(words)

    @Slot(object, object)
    def _show_pictures(self, asked: AskedComparison, images: Mapping[int, QImage]) -> None:
        if asked is self.desk.current:
            self.page.unit.show_pictures(images)

    @Slot()
    def _render(self) -> None:
        changed, settings = self.page.unit.changed, self._settings(complain=True)
        if changed is not None and settings is not None:
            self.page.unit.show_rendering(0.0)
            self._rendering = True
            self.desk.ask_render(changed.place, settings)

    def _settings(self, *, complain: bool = False) -> RenderSettings | None:
        """The panel's settings, for one picture of each unit; None where the panel has no valid ones."""
        try:
            return self._parameters.settings().model_copy(update={"grid": 1})
        except ClipDeskError as error:
            if complain:
                self._session.complain(explained(error))
            return None

    @Slot(object, int, float)
    def _show_rendering(self, asked: AskedComparison, place: int, share: float) -> None:
        if self._is_shown(asked, place):
            self.page.unit.show_rendering(share)

    @Slot(object, int, object)
    def _rendered(self, asked: AskedComparison, place: int, images: Triple | None) -> None:
        self._rendering = False
        if self._is_shown(asked, place):
            self.page.unit.show_rendering(None)
        if images is not None:
            self._kept(asked, place, images)
        self._fill()

    @Slot(object, int, object)
    def _kept(self, asked: AskedComparison, place: int, images: Triple) -> None:
        if self._is_shown(asked, place):
            self.page.unit.show_images(images)

    # Words and photos in the table

    @Slot(list)
    def _see_rows(self, places: list[int]) -> None:
        model = self.page.model
        # Sharp on a screen with small pixels too.
        if lacking := model.without_photos(places):
            self.desk.ask_row_photos(lacking, round(PHOTO * self.page.devicePixelRatioF()))
        if lacking := [place for place in places if model.words_of(place) is None]:
            self.desk.ask_row_words(lacking)

    @Slot(object, object)
    def _add_photos(self, asked: AskedComparison, photos: Mapping[int, Photos]) -> None:
        if asked is self.desk.current:
            self.page.model.add_photos(photos)

    @Slot(object, object)
    def _worded_rows(self, asked: AskedComparison, words: Mapping[int, Words]) -> None:
        """Show words, and ask for those of rows that nobody sees, by which the table can be sorted."""
        if not words or asked is not self.desk.current:
            return
        self.page.show_row_words(words)
        if lacking := self.page.model.without_words(_AT_ONCE):
            self.desk.ask_row_words(lacking)

    # The wall

    @Slot()
    def _hang(self) -> None:
        """Hang up the first units of the table, in its order."""
        asked, wall, rows = self.desk.current, self.page.wall, self.page.model.rows
        if asked is None or not rows:
            wall.show_units((), None)
            return
        hung = asked.hung([row.place for row in rows[: wall.wanted or len(rows)]])
        wall.show_units(rows[: hung.units], hung)
        if self.page.unit.changed is not None:
            wall.show_current(self.page.unit.changed.place)
        self._stopped = False
        self._fill()

    @Slot()
    def _fill(self) -> None:
        """Render what hangs on the wall while it is seen, unless the user has stopped that."""
        seen = self._center.mode == COMPARISON and self.page.tabs.currentIndex() == WALL and bool(self.page.wall.places)
        settings = self._settings() if seen and not self._stopped and not self._rendering else None
        if settings is None:
            self.desk.stop_tiles()
        else:
            self.desk.ask_tiles(self.page.wall.places, settings)

    @Slot(object, object)
    def _add_tiles(self, asked: AskedComparison, tiles: Mapping[int, Picture]) -> None:
        if asked is self.desk.current:
            self.page.wall.show_tiles(tiles)

    @Slot()
    def _render_tiles(self) -> None:
        self._stopped = False
        if self._settings(complain=True) is not None:
            self._fill()

    @Slot()
    def _stop_tiles(self) -> None:
        self._stopped = True
        self.desk.stop_tiles()

    @Slot(int)
    def _show_left(self, left: int) -> None:
        self.page.wall.show_left(0 if self._stopped else left)

    def close(self) -> bool:
        """Keep what a comparison has found, and wait for the threads; False if one is stuck."""
        self.desk.stop_render()
        self.desk.stop_tiles()
        ended = [self.page.wall.view.close_threads(), *(part.close() for part in (self.maker, self.desk))]
        return all(ended)
