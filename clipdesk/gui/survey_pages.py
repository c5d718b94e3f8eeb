"""What happens between the pages that show surveys and the rest of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.errors import one_line
from clipdesk.gui.center import SURVEYED, UNIT
from clipdesk.gui.panels.survey_bar import DRAWN, SCENES, Offer
from clipdesk.gui.surveys.data import PooledUnit
from clipdesk.gui.surveys.history import History
from clipdesk.jobs.set_work import SurveyWork
from clipdesk.models.names import is_of_scenes, short_name
from clipdesk.network.layer_names import short_layer
from clipdesk.render.targets import Unit

if TYPE_CHECKING:
    from clipdesk.activations.statistics import Pooling
    from clipdesk.gui.center import Center
    from clipdesk.gui.panels.architecture import ArchitecturePanel
    from clipdesk.gui.panels.find import FindPage
    from clipdesk.gui.panels.neurons import NeuronsPanel
    from clipdesk.gui.panels.survey_bar import SurveyBar
    from clipdesk.gui.panels.unit_page import UnitPage
    from clipdesk.gui.session import Session
    from clipdesk.gui.surveys.data import FoundUnit, UnitFacts, Written
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.gui.surveys.making import Surveyor
    from clipdesk.models.names import ModelName
    from clipdesk.network.layers import LayerInfo, LayerNode

_PICTURES = 5_000
_LONGEST = 16
"""Characters of a set's name on a button: a wider one moves the panels beside the page."""
_UNKNOWN = "Its weights have no checksum, so no survey can be told from another: open the model from a file"


class SurveyPages(QObject):
    """Keeps the unit page, the search and the bar over them up to date.

    Args:
        session: Knows the open model.
        center: Shows the pages.
        desk: Asks surveys.
        surveyor: Makes them.
        bar: Says which survey is asked.
        page: The unit page.
        find: The search.
        architecture: Where layers are chosen.
        neurons: Where units are chosen.

    Signals:
        shown: A `Unit` whose page is shown from now on.
    """

    shown = Signal(object)

    def __init__(
        self,
        session: Session,
        center: Center,
        desk: SurveyDesk,
        surveyor: Surveyor,
        bar: SurveyBar,
        page: UnitPage,
        find: FindPage,
        architecture: ArchitecturePanel,
        neurons: NeuronsPanel,
    ) -> None:
        super().__init__(session)
        self._session, self._center = session, center
        self._desk, self._surveyor = desk, surveyor
        self._bar, self._page, self._find = bar, page, find
        self._architecture, self._neurons = architecture, neurons
        self._history = History()
        self._wanted: PooledUnit | None = None
        self._asked_for = self._touring = False
        self._seconds: float | None = None
        self._connect()
        self._show_bar()
        self._show_ways()

    def _connect(self) -> None:
        desk, surveyor, bar, page, find = self._desk, self._surveyor, self._bar, self._page, self._find
        for failed in (desk.failed, surveyor.failed):
            failed.connect(self._session.complain)
        desk.changed.connect(self._survey_changed)
        desk.relisted.connect(self._show_bar)
        desk.answered.connect(self._answered)
        desk.related.connect(self._related)
        desk.wrote.connect(self._wrote)
        desk.pictures.connect(page.show_pictures)
        desk.heated.connect(page.show_heat)
        desk.worded.connect(self._show_wanted)
        desk.timed.connect(self._timed)
        desk.wordless.connect(lambda reason: page.words.show_words((), reason))
        desk.reading.connect(self._show_reading)
        desk.tabled.connect(self._neurons.show_facts)
        desk.pictures.connect(self._neurons.model.add_photos)
        self._neurons.model.photos_wanted.connect(self._ask_photos)
        surveyor.changed.connect(self._show_bar)
        surveyor.made.connect(self._made)
        bar.survey_asked.connect(self.survey)
        bar.chosen.connect(desk.look)
        bar.steering.pause_asked.connect(surveyor.pause)
        bar.steering.resume_asked.connect(surveyor.resume)
        bar.steering.cancel_asked.connect(surveyor.cancel)
        page.pictures_wanted.connect(desk.ask_pictures)
        page.heat_wanted.connect(self._ask_heat)
        page.unit_chosen.connect(self.go)
        page.layer_asked.connect(self._survey_layer)
        page.back_action.triggered.connect(self._go_back)
        page.forward_action.triggered.connect(self._go_forward)
        page.surprise_action.triggered.connect(desk.ask_surprise)
        desk.surprised.connect(self.go)
        page.pooling_chosen.connect(self._choose_pooling)
        find.unit_chosen.connect(self.go)
        self._neurons.current_changed.connect(self._current_changed)
        self._architecture.layer_chosen.connect(self._layer_chosen)
        self._center.changed.connect(self._center_changed)
        self._session.model_changed.connect(self._model_changed)

    # Which survey

    @Slot()
    def _model_changed(self) -> None:
        model = self._session.model
        self._history.forget()
        self._wanted, self._asked_for, self._seconds = None, False, None
        self._touring = False
        self._page.show_none()
        self._show_ways()
        if model is not None:
            self._desk.show_model(model)
            self._surveyor.look(model.weights)

    @Slot()
    def _survey_changed(self) -> None:
        self._show_bar()
        self._show_ways()
        self._show_wanted()
        self._go_on_with_tour()
        layer = self._neurons.model.layer
        if layer is not None:
            if self._neurons.model.surveyed:
                self._neurons.show_facts(layer.name, None)
            self._desk.ask_layer(layer.name)

    @Slot()
    def _show_bar(self) -> None:
        model, making, current = self._session.model, self._surveyor.making, self._desk.current
        self._bar.setVisible(self._center.mode in SURVEYED)
        if model is None:
            self._bar.show_nothing("No model is open")
        elif model.weights is None:
            self._bar.show_nothing(_UNKNOWN)
        elif making is not None and (self._surveyor.busy or making.job.weights == model.weights):
            # When it ends, none is to be begun by itself, also where an earlier window has asked for this one.
            self._asked_for = self._asked_for or self._surveyor.busy
            other = "" if making.job.weights == model.weights else short_name(making.job.model)
            self._bar.show_making(making, other)
        elif current is not None:
            self._bar.show_surveys(self._desk.listed, current.folder, current.changed)
        else:
            self._bar.show_none(short_name(model.name), self._offer(model.name), self._seconds)
            self._begin_or_time()

    def _offer(self, name: ModelName) -> Offer:
        """What a model without a survey may read: scenes if it has seen them, else the user's own images."""
        last = self._desk.last_set
        if is_of_scenes(name):
            return DRAWN
        return Offer() if last is None else Offer(last.source, one_line(last.images, _LONGEST), last.pictures)

    def _begin_or_time(self) -> None:
        """There is no survey: begin one that is soon made, once, or say how long one takes."""
        model = self._session.model
        looked = self._desk.looked and self._surveyor.looked
        if self._asked_for or model is None or self._center.mode not in SURVEYED or not looked:
            return
        self._asked_for = True
        if is_of_scenes(model.name):
            self.survey(SCENES)
        else:
            self._desk.ask_time(_PICTURES)

    @Slot(float)
    def _timed(self, seconds: float) -> None:
        self._seconds = seconds / _PICTURES
        self._show_bar()

    @Slot(str)
    def survey(self, images: str, layers: tuple[str, ...] | None = None) -> None:
        """Survey images with the open model.

        Args:
            images: What opens them.
            layers: Dotted names of layers; the usual ones by default.
        """
        model = self._session.model
        if model is None or model.weights is None:
            return
        if self._surveyor.busy:
            self._session.say("A survey is being made: cancel it, or wait until it is done")
            return
        if self._center.mode not in SURVEYED:
            self._center.show_mode(UNIT)
        self._surveyor.begin(SurveyWork(model=model.name, weights=model.weights, images=images, layers=layers))

    @Slot(str)
    def _survey_layer(self, layer: str) -> None:
        current = self._desk.current
        if current is not None:
            self.survey(current.manifest.source, (layer,))

    @Slot(object)
    def _made(self, job: SurveyWork) -> None:
        self._session.say(f"The survey of {job.label(0)} is done")
        if self._session.model is not None and job.weights == self._session.model.weights:
            self._desk.look()

    # The unit page

    @Slot()
    def tour(self) -> None:
        """Show the page of the selected unit, or a surprise where the survey does not have its layer."""
        pooled = self._pooled
        self._touring = self._desk.current is None
        if pooled is not None and (self._touring or self._desk.has(pooled.layer)):
            self.go(pooled)
        else:
            self._center.show_mode(UNIT)
            self._desk.ask_surprise()

    def _go_on_with_tour(self) -> None:
        """A tour that began before there was a survey must not end at a layer that it does not have."""
        if self._touring and self._desk.current is not None:
            self._touring = False
            if self._wanted is None or not self._desk.has(self._wanted.layer):
                self._desk.ask_surprise()

    @Slot(object)
    def go(self, pooled: PooledUnit) -> None:
        """Show a unit's page, and select it in the tree and the table."""
        # The keys of the list or the wall that is left would go to the next button: Enter twice would give a star.
        if self._center.mode != UNIT and self._center.has_keys:
            self._center.show_mode(UNIT)
            self._page.take_focus()
        self._center.show_mode(UNIT)
        self._select(pooled)
        self._want(pooled)

    def _select(self, pooled: PooledUnit) -> None:
        shown = self._neurons.model.layer
        if shown is None or shown.name != pooled.layer:
            self._architecture.choose(pooled.layer)
        self._neurons.select(pooled.unit, quietly=True)

    @Slot(object)
    def _current_changed(self, unit: Unit) -> None:
        before = self._wanted
        # Who goes down the table goes on with what was chosen for the layer.
        pooling = before.pooling if before is not None and before.layer == unit.layer else None
        self._want(PooledUnit(unit.layer, unit.index, pooling))

    @Slot(str)
    def _choose_pooling(self, pooling: Pooling) -> None:
        if (pooled := self._pooled) is not None:
            self._want(pooled._replace(pooling=pooling))

    def _want(self, pooled: PooledUnit) -> None:
        self._wanted = pooled
        self._show_wanted()

    @property
    def _pooled(self) -> PooledUnit | None:
        """The unit that was chosen last; before the first one, the one that is selected in the table."""
        selected = self._neurons.current
        return self._wanted or (None if selected is None else PooledUnit(selected.layer, selected.index))

    @Slot()
    def _center_changed(self) -> None:
        if self._center.mode in SURVEYED and self._desk.looked and self._desk.current is None:
            # Another program may have made one meanwhile.
            self._desk.look()
        self._show_bar()
        self._show_wanted()

    @Slot()
    def _show_wanted(self) -> None:
        """Show the unit that was chosen last, if its page is seen."""
        pooled = self._pooled
        if pooled is None or self._center.mode != UNIT:
            return
        self._history.go(pooled)
        survey = self._desk.current
        lacking = survey is not None and not self._desk.has(pooled.layer)
        if lacking and (folder := self._desk.having(pooled.layer)) is not None:
            # Another survey of the model has the layer, and answers.
            self._desk.look(folder)
        words = f"The survey does not have the layer {short_layer(pooled.layer)}" if lacking else ""
        if survey is None:
            words = "A survey shows here what the unit answers to" if self._desk.looked else "Looking for surveys …"
        self._page.show_unit(pooled, words)
        if lacking:
            self._page.offer_layer()
        elif survey is not None:
            self._desk.ask_unit(pooled)
        self._show_ways()
        self.shown.emit(Unit(layer=pooled.layer, index=pooled.unit))

    @Slot(object, object)
    def _answered(self, pooled: PooledUnit, facts: UnitFacts) -> None:
        if self._page.pooled == pooled:
            self._page.show_facts(facts)
            self._desk.ask_more(pooled)

    @Slot(object, object)
    def _related(self, pooled: PooledUnit, found: list[FoundUnit]) -> None:
        if self._page.pooled == pooled:
            self._page.show_counterparts(found)

    @Slot(object, object)
    def _wrote(self, pooled: PooledUnit, written: Written) -> None:
        if self._page.pooled == pooled:
            self._page.writes.line.show_words(*written)

    @Slot(int, int)
    def _show_reading(self, done: int, total: int) -> None:
        self._page.words.show_words((), f"the model reads them, once: {done / total:.0%}")

    @Slot(list)
    def _ask_heat(self, pictures: list[int]) -> None:
        if (pooled := self._page.pooled) is not None:
            self._desk.ask_heat(pooled.layer, pooled.unit, pictures)

    @Slot()
    def _go_back(self) -> None:
        if (pooled := self._history.back()) is not None:
            self.go(pooled)

    @Slot()
    def _go_forward(self) -> None:
        if (pooled := self._history.forward()) is not None:
            self.go(pooled)

    def _show_ways(self) -> None:
        self._page.back_action.setEnabled(self._history.can_go_back)
        self._page.forward_action.setEnabled(self._history.can_go_forward)
        pooled, model = self._page.pooled, self._session.model
        self._page.render_action.setEnabled(pooled is not None)
        self._page.write_action.setEnabled(
            pooled is not None and model is not None and _is_of_latents(model.tree, pooled.layer)
        )
        self._page.like_action.setEnabled(self._page.pooled is not None and self._desk.current is not None)
        for action in self._page.out_actions:
            action.setEnabled(self._page.pooled is not None and self._desk.current is not None)
        self._page.link_action.setEnabled(self._page.pooled is not None)
        self._page.surprise_action.setEnabled(self._desk.current is not None)

    # The table

    @Slot(object)
    def _layer_chosen(self, layer: LayerInfo) -> None:
        if self._desk.has(layer.name):
            self._desk.ask_layer(layer.name)
        else:
            self._neurons.show_facts(layer.name, None)

    @Slot(list)
    def _ask_photos(self, pictures: list[int]) -> None:
        self._desk.ask_pictures(pictures, "photos of the table")


def _is_of_latents(tree: LayerNode, layer: str) -> bool:
    """Whether the units of a layer are latents of a sparse autoencoder."""
    return any(node.info.name == layer and node.info.unit_kind == "latent" for node in tree.walk())
