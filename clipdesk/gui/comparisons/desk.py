"""ComparisonDesk: finds and opens the comparisons of the open model, and asks them on threads beside the window."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.errors import Cancelled, ClipDeskError, UsageError
from clipdesk.gui.background import Background
from clipdesk.gui.problems import explained
from clipdesk.gui.worker import make_way

if TYPE_CHECKING:
    from clipdesk.gui.comparisons.asked import AskedComparison
    from clipdesk.gui.comparisons.data import Listed
    from clipdesk.gui.comparisons.pairs import Triple
    from clipdesk.render.settings import RenderSettings

_TILES, _TOGETHER = "tiles", 4
"""Tiles that are rendered side by side: more take less time each, and let nobody see the first ones sooner."""


class ComparisonDesk(QObject):
    """Answers come by signals; a question that is asked anew before its turn comes is answered once, the last time.

    Answers that are on their way when another comparison is opened come all the same: they begin with the comparison
    that was asked, an `AskedComparison`.

    Attributes:
        current: The comparison that is asked; None if there is none.

    Signals:
        listed: All comparisons of the model, `Listed`; before `opened`.
        opened: The `AskedComparison` that is asked from now on, or None; its `Changed` rows; and its `Layers`.
        answered: The comparison, the place of a unit, and its `Side`s.
        worded: The comparison, the place of a unit, and the words of each side; or why there are none.
        pictures: The comparison, and thumbnails by the index of the picture.
        row_photos: The comparison, and the two `Photos` of some rows of its table, by the places of their units.
        row_words: The same with their first `Words`; empty where there can be none.
        rendering: The comparison, the place of a unit, and how much of its render is done, 0 to 1.
        rendered: The comparison, the place of a unit, and its `Triple` of pictures; None if the render was stopped or
            failed. It comes once for the render that was asked for last.
        kept: The comparison, the place of a unit, and the `Triple` that was rendered before.
        tiles: The comparison, and pictures for the wall, by the places of their units.
        tiles_left: How many tiles are still to be rendered; 0 at the end, also where it was stopped or has failed.
        failed: A `Problem`.
    """

    listed = Signal(list)
    opened = Signal(object, object, object)
    answered = Signal(object, int, object)
    worded = Signal(object, int, object)
    pictures = Signal(object, object)
    row_photos = Signal(object, object)
    row_words = Signal(object, object)
    rendering = Signal(object, int, float)
    rendered = Signal(object, int, object)
    kept = Signal(object, int, object)
    tiles = Signal(object, object)
    tiles_left = Signal(int)
    failed = Signal(object)
    _found = Signal(str, list, object, object, object)
    _told = Signal(object, object, int, float)
    _ended = Signal(object, object, int, object)
    _left = Signal(int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current: AskedComparison | None = None
        self._weights = ""
        self._turns: dict[str, int] = {}
        self._closing = threading.Event()
        self._given_up = threading.Event()
        # Answers must wait neither for a render nor for a text tower.
        self._quick, self._slow, self._words = (Background(self) for _ in range(3))
        for background in (self._quick, self._slow, self._words):
            background.failed.connect(self.failed)
            background.start(make_way)
        self._found.connect(self._take)
        self._told.connect(self._take_step)
        self._ended.connect(self._take_render)
        self._left.connect(self._take_left)

    def look(self, weights: str, folder: Path | None = None) -> None:
        """Look which comparisons of a model there are, and open one: that of a folder, or the newest that is sound.

        `listed` follows, and `opened`, unless the one of the folder cannot be opened and another one is shown.

        Args:
            weights: SHA-256 of the model's weights.
            folder: Of the comparison that is wanted; it may be anywhere.
        """
        self._weights = weights

        def open_one() -> None:
            # Not above: it loads torch and NumPy, which the first sight of the window does without.
            from clipdesk.gui.comparisons.asked import AskedComparison, comparisons_of, listed

            found = comparisons_of(weights)
            names = listed(found)
            for path in [folder] if folder is not None else [path for path, _ in found]:
                try:
                    asked = AskedComparison.open(path)
                    rows, layers = asked.rows(), asked.layers()
                except UsageError as error:
                    self.failed.emit(explained(error))
                    continue
                self._found.emit(weights, names, asked, rows, layers)
                return
            self._found.emit(weights, names, None, [], None)

        self._later(self._quick, "comparison", open_one)

    def forget(self) -> None:
        """Ask nothing any more, as with another model."""
        self.current, self._weights = None, ""
        self.stop_tiles()
        self._given_up.set()

    @Slot(str, list, object, object, object)
    def _take(self, weights: str, names: list[Listed], asked: AskedComparison | None, *more: object) -> None:
        if weights != self._weights:
            return
        self.listed.emit(names)
        if asked is not None or self.current is None:
            self.current = asked
            self.opened.emit(asked, *more)

    def ask_unit(self, place: int, settings: RenderSettings | None) -> None:
        """All that is shown of a unit; `answered`, `kept` if it was rendered so before, and `worded` follow."""

        def look(asked: AskedComparison) -> None:
            self.answered.emit(asked, place, asked.sides(place))
            kept = None if settings is None else asked.kept(place, settings)
            if kept is not None:
                self.kept.emit(asked, place, kept)

        def read_words(asked: AskedComparison) -> None:
            try:
                asked.read_words(self._go_on)
                self.worded.emit(asked, place, asked.words(place))
            except ClipDeskError as error:
                self.worded.emit(asked, place, str(error))

        self._ask(self._quick, "unit", look)
        self._ask(self._words, "words", read_words)

    def ask_pictures(self, pictures: Sequence[int]) -> None:
        """Thumbnails; `pictures` follows."""
        wanted = list(pictures)

        def read(asked: AskedComparison) -> None:
            self.pictures.emit(asked, {each: asked.thumbnail(each) for each in wanted})

        self._ask(self._quick, "pictures", read)

    def ask_row_photos(self, places: Sequence[int], side: int) -> None:
        """Photos of some rows of the table, for squares of a side; `row_photos` follows."""
        wanted = list(places)
        self._ask(self._quick, "row photos", lambda asked: self.row_photos.emit(asked, asked.row_photos(wanted, side)))

    def ask_row_words(self, places: Sequence[int]) -> None:
        """First words of some rows of the table, once the words are read; `row_words` follows."""
        wanted = list(places)

        def read(asked: AskedComparison) -> None:
            # What there is against words is said beside the unit.
            with suppress(ClipDeskError):
                asked.read_words(self._go_on)
            self.row_words.emit(asked, asked.first_words(wanted) if asked.lexicons is not None else {})

        self._ask(self._words, "row words", read)

    def ask_tiles(self, places: Sequence[int], settings: RenderSettings) -> None:
        """Tiles of the wall: those that were rendered before at once, then the others; `tiles` follows, some at a time.

        A render of a unit that is asked for meanwhile stops this.
        """
        wanted = list(places)
        turn = self._turns.get(_TILES, 0) + 1

        def go_on(_done: int, _total: int) -> None:
            if self._closing.is_set() or self._turns[_TILES] != turn:
                raise Cancelled

        def render(asked: AskedComparison) -> None:
            kept = asked.kept_tiles(wanted, settings)
            self.tiles.emit(asked, kept)
            left = [place for place in wanted if place not in kept and asked.has_counterpart(place)]
            try:
                while left:
                    self._left.emit(turn, len(left))
                    some, left = left[:_TOGETHER], left[_TOGETHER:]
                    self.tiles.emit(asked, asked.rendered_tiles(some, settings, go_on))
            finally:
                self._left.emit(turn, 0)

        self._ask(self._slow, _TILES, render)

    @Slot(int, int)
    def _take_left(self, turn: int, left: int) -> None:
        # Not of tiles that were given up meanwhile.
        if self._turns[_TILES] == turn:
            self.tiles_left.emit(left)

    @Slot()
    def stop_tiles(self) -> None:
        """Give up the tiles that are rendered, after their step."""
        self._turns[_TILES] = self._turns.get(_TILES, 0) + 1
        self.tiles_left.emit(0)

    def ask_render(self, place: int, settings: RenderSettings) -> None:
        """Render a unit in both models, and their difference, in place of what is rendered so.

        `rendering` and `rendered` follow.
        """
        self.stop_render()
        self.stop_tiles()
        # Of its own, by which it is known: one that was given up may not have heard of it yet.
        self._given_up = given_up = threading.Event()

        def render(asked: AskedComparison) -> None:
            def tell(done: int, total: int) -> None:
                self._go_on(done, total)
                if given_up.is_set():
                    raise Cancelled
                self._told.emit(given_up, asked, place, done / total)

            found = None
            try:
                if not given_up.is_set():
                    with suppress(Cancelled):
                        found = asked.rendered(place, settings, tell)
            finally:
                self._ended.emit(given_up, asked, place, found)

        self._ask(self._slow, "render", render)

    @Slot(object, object, int, float)
    def _take_step(self, render: threading.Event, asked: AskedComparison, place: int, share: float) -> None:
        if render is self._given_up and not render.is_set():
            self.rendering.emit(asked, place, share)

    @Slot(object, object, int, object)
    def _take_render(self, render: threading.Event, asked: AskedComparison, place: int, found: Triple | None) -> None:
        if render is self._given_up:
            self.rendered.emit(asked, place, found)

    @Slot()
    def stop_render(self) -> None:
        """Give up what is rendered, after its step."""
        self._given_up.set()

    def _go_on(self, _done: int, _total: int) -> None:
        if self._closing.is_set():
            raise Cancelled

    def _ask(self, background: Background, kind: str, ask: Callable[[AskedComparison], object]) -> None:
        asked = self.current
        if asked is not None:
            self._later(background, kind, lambda: ask(asked))

    def _later(self, background: Background, kind: str, work: Callable[[], object]) -> None:
        """Do something when its turn comes, unless the same has been asked for again by then."""
        turn = self._turns[kind] = self._turns.get(kind, 0) + 1

        def guarded() -> None:
            if self._turns[kind] == turn and not self._closing.is_set():
                with suppress(Cancelled):
                    work()

        background.start(guarded)

    def close(self, timeout_ms: int = 10_000) -> bool:
        """Give up what is asked, and wait for what is being answered; False if that is stuck."""
        self._closing.set()
        ended = [each.wait(timeout_ms) for each in (self._quick, self._slow, self._words)]
        return all(ended)
