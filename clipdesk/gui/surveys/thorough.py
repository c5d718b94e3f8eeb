"""ThoroughChecks: checks rendered pictures by rendering them anew, one at a time, on a thread beside the window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.activations.checking.usual import SEEDS, usual_reader
from clipdesk.errors import Cancelled
from clipdesk.gui.background import Background
from clipdesk.gui.worker import make_way
from clipdesk.models.names import plain_name, short_name
from clipdesk.network.layer_names import short_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.export.check_record import CheckRecord
    from clipdesk.gui.surveys.asked import AskedSurvey
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.render.settings import RenderSettings
    from clipdesk.render.targets import Target

Foreseen = Callable[[int, "str | None", "RenderSettings"], "tuple[float, float] | None"]
_OFFERED = (
    f"Render it anew, {SEEDS} times with other seeds and {SEEDS} times on shuffled weights, and show its target "
    "the word that it answers to, written"
)


@dataclass(frozen=True, eq=False)
class RenderedPicture:
    """A picture that can be checked thoroughly.

    Attributes:
        key: What it is known by: the key of its recipe.
        target: What it is to show.
        pixels: Its pixels, (height, width, 3 or 4); its file, where it is saved.
        settings: How it was rendered.
    """

    key: str
    target: Target
    pixels: Path | NDArray[np.uint8]
    settings: RenderSettings


@dataclass(frozen=True)
class Offer:
    """What the window offers for a picture.

    Attributes:
        enabled: Whether it can be checked now.
        tip: What the check does, or why it cannot be made.
        seconds: About how long it takes; None where that is not known.
    """

    enabled: bool
    tip: str
    seconds: float | None = None


class ThoroughChecks(QObject):
    """Checks one picture at a time. What it finds stays known, and is kept in the picture's file where it has one.

    Args:
        desk: Knows the survey.
        foreseen: Seconds that renders take at least and at most, as `Estimates.foreseen`.

    Attributes:
        running: The picture that is checked; None if there is none.
        share: How much of the check is done, 0 to 1; None before its first step.
        seconds_left: None where it is not known yet.

    Signals:
        changed: What is offered, or how far the check is.
        found: The key of a picture whose check has ended well.
        said: Where it is kept, a line for the status bar.
        failed: A `Problem`.
    """

    changed = Signal()
    found = Signal(str)
    said = Signal(str)
    failed = Signal(object)
    _told = Signal(object, int, int)
    _ended = Signal(object, str, object)

    def __init__(self, desk: SurveyDesk, foreseen: Foreseen) -> None:
        super().__init__(desk)
        self._desk, self._foreseen = desk, foreseen
        self.running: RenderedPicture | None = None
        self.share: float | None = None
        self.seconds_left: float | None = None
        self._found: dict[tuple[str, str], CheckRecord] = {}
        self._looked: set[tuple[str, str]] = set()
        self._cancelled, self._begun = threading.Event(), 0.0
        self._thread, self._reader = Background(self), Background(self)
        for background in (self._thread, self._reader):
            background.failed.connect(self.failed)
            background.start(make_way)
        self._told.connect(self._take_step)
        self._ended.connect(self._take)
        desk.changed.connect(self.changed)

    def words(self, key: str) -> str:
        """What the check of a picture has found by the survey that is asked now; empty where there was none."""
        survey = self._desk.current
        found = None if survey is None else self._found.get((key, survey.folder.name))
        return "" if found is None else found.thorough

    def look(self, picture: RenderedPicture) -> None:
        """Read what an earlier check has found, if it is kept in the picture; `found` follows."""
        survey = self._desk.current
        if survey is None or not isinstance(picture.pixels, Path):
            return
        path, known = picture.pixels, (picture.key, survey.folder.name)
        if known in self._looked:
            return
        self._looked.add(known)

        def read() -> None:
            record = survey.kept_check(path)
            if record is not None:
                self._ended.emit(picture, survey.folder.name, record)

        self._reader.start(read)

    def offer(self, picture: RenderedPicture) -> Offer:
        """Whether a picture of the open model can be checked, and how long that takes."""
        survey = self._desk.current
        if survey is None:
            return Offer(False, "A survey of the model is needed: see the page of a unit")
        if usual_reader(survey.model) is None:
            return Offer(
                False,
                f"A second model compares the pictures, and the window knows none for {short_name(survey.model)}. "
                "In a terminal you can name one: clipdesk check FILE --thorough --reader MODEL",
            )
        if self.running is not None:
            return Offer(False, f"Another picture is being checked: {short_label(self.running.target.label)}")
        # Beside sparse autoencoders nothing is rendered on shuffled weights.
        times = 2 if survey.model == plain_name(survey.model) else 1
        foreseen = self._foreseen(SEEDS, picture.target.layer, picture.settings)
        return Offer(True, _OFFERED, None if foreseen is None else times * sum(foreseen) / 2)

    def start(self, picture: RenderedPicture) -> None:
        """Check a picture, unless one is being checked."""
        survey = self._desk.current
        if survey is None or self.running is not None:
            return
        self.running, self.share, self.seconds_left = picture, None, None
        # Of its own: one that was cancelled may not have heard of it yet.
        self._cancelled = cancelled = threading.Event()
        self._thread.start(lambda: self._check(survey, picture, cancelled))
        self.changed.emit()

    @Slot()
    def cancel(self) -> None:
        """End the check after its step."""
        self._cancelled.set()
        self.running = None
        self.changed.emit()

    def _check(self, survey: AskedSurvey, picture: RenderedPicture, cancelled: threading.Event) -> None:
        def tell(done: int, count: int) -> None:
            self._told.emit(picture, done, count)

        def still_wanted() -> None:
            if cancelled.is_set():
                raise Cancelled

        record = None
        try:
            record = survey.check_again(picture.target, picture.pixels, picture.settings, tell, still_wanted)
        except Cancelled:
            return
        finally:
            self._ended.emit(picture, survey.folder.name, record)
        if isinstance(picture.pixels, Path):
            survey.keep_check(picture.pixels, record)
            self.said.emit(f"The check is kept in {picture.pixels}")

    @Slot(object, int, int)
    def _take_step(self, picture: RenderedPicture, done: int, count: int) -> None:
        if picture is not self.running:
            return
        if self.share is None:
            # What comes before the first step, as opening the second model, does not tell how long steps take.
            self._begun = time.monotonic()
        else:
            self.seconds_left = (time.monotonic() - self._begun) * (count - done) / max(1, done - 1)
        self.share = done / count
        self.changed.emit()

    @Slot(object, str, object)
    def _take(self, picture: RenderedPicture, survey: str, record: CheckRecord | None) -> None:
        if record is not None:
            self._found[picture.key, survey] = record
            self.found.emit(picture.key)
        if picture is self.running:
            self.running = None
        self.changed.emit()

    def close(self, timeout_ms: int = 10_000) -> bool:
        """Give up what is checked, and wait for its step; False if that is stuck."""
        self._cancelled.set()
        ended = [each.wait(timeout_ms) for each in (self._thread, self._reader)]
        return all(ended)
