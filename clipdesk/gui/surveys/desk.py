"""SurveyDesk: finds and opens the surveys of the open model, and asks them on threads beside the window."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.errors import Cancelled, UsageError
from clipdesk.gui.background import Background
from clipdesk.gui.problems import explained
from clipdesk.gui.surveys.data import PooledUnit, Question
from clipdesk.gui.worker import make_way
from clipdesk.models.names import plain_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PySide6.QtCore import SignalInstance

    from clipdesk.activations.storing import Manifest
    from clipdesk.gui.surveys.asked import AskedSurvey
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

_AT_ONCE = 4
"""Thumbnails that are read at once: a question waits for them for some ten milliseconds."""
Found = list[tuple[Path, "Manifest"]]
Answer = Callable[["AskedSurvey"], tuple[object, ...]]


class SurveyDesk(QObject):
    """Answers come by signals; a question that is asked anew before its turn comes is answered once, the last time.

    An answer of another survey than `current`, which was asked before, is given to nobody.

    Attributes:
        current: The survey that is asked; None if there is none.
        listed: All surveys of the open model, newest first; behind them those of it without sparse autoencoders.
        last_set: The newest survey of other models over images of the user's, if the open model has no survey.
        looked: Whether the surveys of the open model have been looked for.

    Signals:
        changed: `current` or `looked` is another.
        relisted: Only `listed` is another, or what has changed since `current` was made.
        answered: A `PooledUnit` and the `UnitFacts` of it.
        related: A `PooledUnit`, and the units of other models that are like it, as `FoundUnit`.
        wrote: A `PooledUnit` of an attention head or a latent, and what it writes, as `Written`.
        pictures: Thumbnails by the index of the picture.
        heated: A layer, the index of a unit, and pictures that are grey where it does not fire, by index.
        found: A `Question`, and the list of `FoundUnit`; or why there are none, in words.
        mapped: A `Question` with an image, and pictures of where the units that were found fire in it, by their place.
        judged: A `PooledUnit`, its activation in a rendered picture as the survey measures it, and where that stands
            among the pictures of the set, in words.
        checked: A `PooledUnit`, and whether its rendered picture can be trusted, in words; before `judged` or after it.
        told: What a picture was named when it was to be checked, whether it can be trusted, in words, and whether that
            is known.
        surprised: A `PooledUnit` that is worth looking at.
        timed: About how many seconds a survey takes.
        exported: A page that is written.
        reading: How many texts the model's text tower has read, and of how many.
        worded: The words of the survey are read: questions have longer answers from now on.
        wordless: Why the model reads no words.
        tabled: A layer and its `LayerFacts`.
        failed: A `Problem`.
    """

    changed = Signal()
    relisted = Signal()
    answered = Signal(object, object)
    related = Signal(object, object)
    wrote = Signal(object, object)
    pictures = Signal(object)
    heated = Signal(str, int, object)
    found = Signal(object, object)
    mapped = Signal(object, object)
    judged = Signal(object, float, str)
    checked = Signal(object, str)
    told = Signal(object, str, bool)
    surprised = Signal(object)
    timed = Signal(float)
    exported = Signal(str)
    reading = Signal(int, int)
    worded = Signal()
    wordless = Signal(str)
    tabled = Signal(str, object)
    failed = Signal(object)
    _opened = Signal(object, object, list, object)
    _said = Signal(object, object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current: AskedSurvey | None = None
        self.listed: Found = []
        self.last_set: Manifest | None = None
        self.looked = False
        self._model: OpenedModel | None = None
        self._turns: dict[str, int] = {}
        self._closing = threading.Event()
        # Answers must not wait for the network, which may be rendering.
        self._quick = Background(self)
        self._slow = Background(self)
        self._words = Background(self)
        for background in (self._quick, self._slow, self._words):
            background.failed.connect(self.failed)
            background.start(make_way)
        self._opened.connect(self._take)
        self._said.connect(self._pass_on)

    # Which survey

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Ask surveys of this model from now on."""
        self._model = opened
        self.current, self.listed, self.last_set, self.looked = None, [], None, False
        self.changed.emit()
        self.look()

    @Slot()
    def look(self, folder: Path | None = None) -> None:
        """Look which surveys there are, and open one.

        Args:
            folder: The one to open; by default the newest.
        """
        model = self._model
        if model is None or model.weights is None:
            return
        weights, plain = model.weights, model.plain

        def open_one() -> None:
            asked = _asked()
            listed = [*asked.of_model(weights), *(asked.of_model(plain) if plain else ())]
            wanted = [each for each in listed if each[0] == folder] or listed
            for path, manifest in wanted:
                try:
                    name = model.name if manifest.weights == weights else plain_name(model.name)
                    survey = asked.open(path, manifest, name)
                except UsageError as error:
                    self.failed.emit(explained(error))
                    continue
                self._opened.emit(model, survey, listed, None)
                return
            self._opened.emit(model, None, listed, asked.last_set())

        self._later(self._quick, "survey", open_one)

    def ask_time(self, pictures: int) -> None:
        """How long a survey of so many pictures takes; `timed` follows."""
        model = self._model

        def measure() -> None:
            if model is not None:
                self._say(model, self.timed, _asked().seconds_for(model.name, pictures))

        self._later(self._slow, "time", measure)

    @Slot(object, object, list, object)
    def _take(self, model: OpenedModel, survey: AskedSurvey | None, listed: Found, last: Manifest | None) -> None:
        if model is not self._model:
            return
        known = self.current
        if known is not None and survey is not None and known.is_same(survey):
            # What was read of it stays, and answers that are on their way are shown.
            known.changed = survey.changed
            survey = known
        asked_before = survey is known and self.looked
        self.current, self.listed, self.last_set, self.looked = survey, listed, last, True
        (self.relisted if asked_before else self.changed).emit()

    def has(self, layer: str) -> bool:
        """Whether the survey that is asked has a layer."""
        return self.current is not None and any(each.layer == layer for each in self.current.manifest.layers)

    def having(self, layer: str) -> Path | None:
        """The newest survey of the model that has a layer; None if there is none."""
        return next(
            (path for path, manifest in self.listed if any(each.layer == layer for each in manifest.layers)), None
        )

    # Questions

    def ask_unit(self, pooled: PooledUnit) -> None:
        """All that a unit's page shows; `answered` follows."""
        self._answer(self._quick, "unit", self.answered, lambda survey: (pooled, survey.unit_facts(pooled)))

    def ask_more(self, pooled: PooledUnit) -> None:
        """What takes longer than a page may wait; `related` and, for a head or a latent, `wrote` follow."""

        def read(survey: AskedSurvey) -> None:
            with suppress(UsageError):
                # Not known of a model that reads no texts, nor of all towers.
                if survey.writes_words(pooled.layer):
                    self._read_words(survey)
                if (written := survey.words_written(pooled)) is not None:
                    self._say(survey, self.wrote, pooled, written)

        self._answer(self._slow, "related", self.related, lambda survey: (pooled, survey.counterparts(pooled)))
        self._ask(self._words, "written", read)

    def ask_pictures(self, pictures: Sequence[int], kind: str = "pictures") -> None:
        """Thumbnails; `pictures` follows, some at a time.

        Args:
            pictures: Indices of pictures of the survey.
            kind: Who asks: pictures that the same one has asked for before, and not got yet, are given up.
        """
        wanted = list(pictures)

        def read(survey: AskedSurvey) -> Iterator[None]:
            for start in range(0, len(wanted), _AT_ONCE):
                some = {each: survey.thumbnail(each) for each in wanted[start : start + _AT_ONCE]}
                self._say(survey, self.pictures, some)
                yield

        self._ask_in_pieces(kind, read)

    def ask_heat(self, layer: str, unit: int, pictures: Sequence[int]) -> None:
        """Where a unit fires in pictures; `heated` follows."""
        wanted = list(pictures)
        heat = self.heated
        self._answer(self._slow, "heat", heat, lambda survey: (layer, unit, survey.heat(layer, unit, wanted)))

    def ask_judgement(self, pooled: PooledUnit, picture: Path | NDArray[np.uint8]) -> None:
        """Where a rendered picture stands among those of the set; `judged` and `checked` follow, in any order.

        Args:
            pooled: The unit.
            picture: The picture's file, or its pixels, (height, width, 3 or 4).
        """
        if self.has(pooled.layer):
            judged, checked = self.judged, self.checked
            self._answer(self._slow, "judge", judged, lambda survey: (pooled, *survey.judgement(pooled, picture)))
            # With the words, so that it does not keep heat maps waiting: for a large model it takes long.
            self._answer(self._words, "check", checked, lambda survey: (pooled, survey.verdict(pooled, picture)))

    def ask_check(
        self, name: object, target: Target, picture: Path | NDArray[np.uint8], settings: RenderSettings
    ) -> None:
        """Whether a rendered picture of any target can be trusted; `told` follows.

        Args:
            name: What the answer is to be known by.
            target: What it is to show.
            picture: The picture's file, or its pixels, (height, width, 3 or 4).
            settings: How it was rendered.
        """

        def look(survey: AskedSurvey) -> None:
            # Not only of the survey that is asked by then: the name says which one it is.
            self.told.emit(name, *survey.check_in_words(target, picture, settings))

        # With the words: see `ask_judgement`.
        self._ask(self._words, "picture", look)

    def ask_find(self, question: Question) -> None:
        """Units that answer to something; `found` follows."""

        def look(survey: AskedSurvey) -> None:
            try:
                if question.text:
                    self._read_words(survey)
                listed = survey.find(question)
            except UsageError as error:
                self._say(survey, self.found, question, str(error))
                return
            self._say(survey, self.found, question, listed)
            if question.image is not None:
                for place, image in survey.heat_of_image(question.image, listed):
                    if self._closing.is_set():
                        return
                    self._say(survey, self.mapped, question, {place: image})

        # A text is told apart from all words of the list, which are read first.
        self._ask(self._words if question.text else self._slow, "find", look)

    @Slot()
    def ask_surprise(self) -> None:
        """Any unit that is worth looking at; `surprised` follows."""
        self._answer(self._slow, "surprise", self.surprised, lambda survey: (survey.surprise(),))

    def ask_layer(self, layer: str) -> None:
        """Numbers and words of all units of a layer; `tabled` follows, first without words."""

        def tell(survey: AskedSurvey) -> None:
            facts = survey.layer_facts(layer)
            self._say(survey, self.tabled, layer, facts)
            if facts.words or survey is not self.current:
                return

            def tell_words() -> None:
                try:
                    self._read_words(survey)
                except UsageError as error:
                    self._say(survey, self.wordless, str(error))
                self._say(survey, self.tabled, layer, survey.with_words(facts, self._check_closing))

            # Of this survey, whichever is asked by then.
            self._later(self._words, "words", tell_words)

        if self.has(layer):
            self._ask(self._slow, "layer", tell)

    def export(self, path: Path, pooled: PooledUnit, results: Path, *, whole_layer: bool, photos: bool) -> None:
        """Write the page of a unit or of its layer; `exported` follows.

        Args:
            path: The page, or a ``.json`` file.
            pooled: The unit.
            results: Where rendered pictures are.
            whole_layer: Whether the page is to be that of the layer.
            photos: Whether the page may show photos.
        """

        def write(survey: AskedSurvey) -> None:
            with suppress(UsageError):
                # A model that reads no texts has pages all the same.
                self._read_words(survey)
            export = survey.export_layer if whole_layer else survey.export_unit
            export(path, pooled, results, photos=photos)
            self.exported.emit(str(path))

        self._ask(self._words, "export", write)

    def _read_words(self, survey: AskedSurvey) -> None:
        """On the thread of words: make them ready; `worded` follows if they were not."""
        if survey.lexicon is None and not self._closing.is_set():
            survey.read_words(partial(self._tell_reading, survey))
            self._say(survey, self.worded)

    def _tell_reading(self, survey: AskedSurvey, done: int, total: int) -> None:
        self._check_closing()
        self._say(survey, self.reading, done, total)

    def _check_closing(self) -> None:
        if self._closing.is_set():
            raise Cancelled

    def _say(self, asked: AskedSurvey | OpenedModel, signal: SignalInstance, *answer: object) -> None:
        """On any thread: give an answer to the window, which may show another survey or model by then."""
        self._said.emit(asked, signal, answer)

    @Slot(object, object, object)
    def _pass_on(self, asked: AskedSurvey | OpenedModel, signal: SignalInstance, answer: tuple[object, ...]) -> None:
        if asked is self.current or asked is self._model:
            signal.emit(*answer)

    def _answer(self, background: Background, kind: str, signal: SignalInstance, answer: Answer) -> None:
        self._ask(background, kind, lambda survey: self._say(survey, signal, *answer(survey)))

    def _ask(self, background: Background, kind: str, ask: Callable[[AskedSurvey], object]) -> None:
        survey = self.current
        if survey is not None:
            self._later(background, kind, lambda: ask(survey))

    def _ask_in_pieces(self, kind: str, ask: Callable[[AskedSurvey], Iterator[None]]) -> None:
        """Ask something a piece at a time, each at the end of the line: a unit that is chosen meanwhile goes before."""
        survey = self.current
        if survey is None:
            return
        pieces, turn = ask(survey), self._turn(kind)

        def go_on() -> None:
            if self._is_wanted(kind, turn) and survey is self.current and any(True for _ in islice(pieces, 1)):
                self._quick.start(go_on, urgent=False)

        self._quick.start(go_on, urgent=False)

    def _later(self, background: Background, kind: str, work: Callable[[], object]) -> None:
        """Do something when its turn comes, unless the same has been asked for again by then."""
        turn = self._turn(kind)

        def guarded() -> None:
            if self._is_wanted(kind, turn):
                with suppress(Cancelled):
                    work()

        background.start(guarded)

    def _turn(self, kind: str) -> int:
        """The number of a new question of a kind, after which those before are not wanted any more."""
        self._turns[kind] = self._turns.get(kind, 0) + 1
        return self._turns[kind]

    def _is_wanted(self, kind: str, turn: int) -> bool:
        return self._turns[kind] == turn and not self._closing.is_set()

    def close(self, timeout_ms: int = 10_000) -> bool:
        """Give up what is asked, and wait for what is being answered; False if that is stuck."""
        self._closing.set()
        ended = [each.wait(timeout_ms) for each in (self._quick, self._slow, self._words)]
        return all(ended)


def _asked() -> type[AskedSurvey]:
    """What is asked; it loads torch and NumPy, which the first sight of the window does without."""
    from clipdesk.gui.surveys.asked import AskedSurvey

    return AskedSurvey
