"""ThoroughChecks: checks rendered pictures by rendering them anew, one at a time, on a thread beside the window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from clipdesk.activations.checking.usual import SEEDS, usual_reader
from clipdesk.errors import Cancelled, ClipDeskError
from clipdesk.gui.background import Background
from clipdesk.gui.problems import explained
from clipdesk.gui.surveys.readers import ReaderChoice, Readers, caution_for, download_of
from clipdesk.gui.worker import make_way
from clipdesk.models.names import ModelName, find_name, parse_name, plain_name, short_name
from clipdesk.network.layer_names import short_label

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.export.check_record import CheckRecord
    from clipdesk.gui.surveys.asked import AskedSurvey
    from clipdesk.gui.surveys.desk import SurveyDesk
    from clipdesk.models.transfer import Transfer
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
        reader: The short name of the model that compares pictures; empty if none is known.
        about_reader: What there is to know of it.
    """

    enabled: bool
    tip: str
    seconds: float | None = None
    reader: str = ""
    about_reader: str = ""


class ThoroughChecks(QObject):
    """Checks one picture at a time. What it finds stays known, and is kept in the picture's file where it has one.

    Args:
        desk: Knows the survey.
        foreseen: Seconds that renders take at least and at most, as `Estimates.foreseen`.
        readers: Know the second model.

    Attributes:
        running: The picture that is checked; None if there is none.
        share: How much of the check is done, 0 to 1; None before its first step.
        seconds_left: None where it is not known yet.
        transfer: How far the second model is downloaded; None if it is not.

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
    _loading = Signal(object, object)
    _ended = Signal(object, object, str, object)

    def __init__(self, desk: SurveyDesk, foreseen: Foreseen, readers: Readers) -> None:
        super().__init__(desk)
        self._desk, self._foreseen, self._readers = desk, foreseen, readers
        self.running: RenderedPicture | None = None
        self.share: float | None = None
        self.seconds_left: float | None = None
        self.transfer: Transfer | None = None
        self._found: dict[tuple[str, str], CheckRecord] = {}
        self._looked: set[tuple[str, str]] = set()
        self._cancelled, self._begun = threading.Event(), 0.0
        self._thread, self._reader = Background(self), Background(self)
        for background in (self._thread, self._reader):
            background.failed.connect(self.failed)
            background.start(make_way)
        self._told.connect(self._take_step)
        self._loading.connect(self._take_transfer)
        self._ended.connect(self._take)
        desk.changed.connect(self.changed)
        readers.changed.connect(self.changed)

    def words(self, key: str) -> str:
        """What the check of a picture has found by the survey that is asked now; empty where there was none."""
        found, chosen = self._record(key), self._chosen_reader(key)
        if found is None or chosen is None or self._desk.current is None:
            return "" if found is None else found.thorough
        if caution := caution_for(chosen, self._desk.current.model):
            return f"{caution}. {found.thorough}"
        return f"{found.thorough}. {short_name(chosen)} has compared the pictures"

    def verdict(self, key: str) -> str:
        """The verdict of a thorough check with its reasons, where it counts what a model that was chosen has read.

        Empty where the usual model has read the picture, as in all checks, and where what the other reads means little.
        """
        found, chosen, survey = self._record(key), self._chosen_reader(key), self._desk.current
        if found is None or chosen is None or survey is None or caution_for(chosen, survey.model):
            return ""
        return f"{found.verdict.capitalize()}: {found.why}"

    def _record(self, key: str) -> CheckRecord | None:
        survey = self._desk.current
        return None if survey is None else self._found.get((key, survey.folder.name))

    def _chosen_reader(self, key: str) -> ModelName | None:
        """The model that has read a picture in a thorough check, unless it is the one that reads all pictures."""
        found, survey = self._record(key), self._desk.current
        if found is None or survey is None or found.reader in (None, str(usual_reader(survey.model))):
            return None
        with suppress(ClipDeskError):
            return parse_name(found.reader or "")
        return None

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
                self._ended.emit(None, picture, survey.folder.name, record)

        self._reader.start(read)

    def offer(self, picture: RenderedPicture) -> Offer:
        """Whether a picture of the open model can be checked, and how long that takes."""
        survey = self._desk.current
        if survey is None:
            return Offer(False, "A survey of the model is needed: see the page of a unit")
        reader = self._readers.reader(survey.model)
        if reader is None:
            lacking = f"{_OFFERED}. A second model compares the pictures, and none is chosen for "
            lacking = f"{lacking}{short_name(survey.model)}. Best is one that has seen the same kind of pictures"
            return Offer(False, lacking, about_reader=lacking)
        name, about = short_name(reader), _about(reader, survey.model)
        if self.running is not None:
            other = f"Another picture is being checked: {short_label(self.running.target.label)}"
            return Offer(False, other, reader=name, about_reader=about)
        # Beside sparse autoencoders nothing is rendered on shuffled weights.
        times = 2 if survey.model == plain_name(survey.model) else 1
        foreseen = self._foreseen(SEEDS, picture.target.layer, picture.settings)
        seconds = None if foreseen is None else times * sum(foreseen) / 2
        return Offer(True, f"{_OFFERED}. {about}", seconds, name, about)

    def choices(self) -> list[ReaderChoice]:
        """The models that can compare the pictures of the survey's model."""
        survey = self._desk.current
        return [] if survey is None else self._readers.choices(survey.model)

    @Slot(str)
    def choose_reader(self, name: str) -> None:
        """Have a model of this name, or a checkpoint, compare the pictures of the survey's model from now on."""
        survey = self._desk.current
        if survey is None:
            return
        try:
            self._readers.choose(survey.model, find_name(name))
        except ClipDeskError as error:
            self.failed.emit(explained(error))

    def start(self, picture: RenderedPicture) -> None:
        """Check a picture, unless one is being checked."""
        survey = self._desk.current
        second = None if survey is None else self._readers.reader(survey.model)
        if survey is None or second is None or self.running is not None:
            return
        self.running, self.share, self.seconds_left, self.transfer = picture, None, None, None
        # Of its own, by which it is known: one that was cancelled may not have heard of it yet.
        self._cancelled = cancelled = threading.Event()
        self._thread.start(lambda: self._check(survey, picture, second, cancelled))
        self.changed.emit()

    @Slot()
    def cancel(self) -> None:
        """End the check after its step."""
        self._cancelled.set()
        self.running = None
        self.changed.emit()

    def _check(
        self, survey: AskedSurvey, picture: RenderedPicture, second: ModelName, cancelled: threading.Event
    ) -> None:
        def tell(done: int, count: int) -> None:
            self._told.emit(cancelled, done, count)

        def load(transfer: Transfer) -> None:
            self._loading.emit(cancelled, transfer)

        record = None
        try:
            record = survey.check_again(
                picture.target, picture.pixels, picture.settings, second, tell, load, cancelled.is_set
            )
        except Cancelled:
            return
        finally:
            self._ended.emit(cancelled, picture, survey.folder.name, record)
        if isinstance(picture.pixels, Path):
            survey.keep_check(picture.pixels, record)
            self.said.emit(f"The check is kept in {picture.pixels}")

    def _runs(self, check: threading.Event | None) -> bool:
        """Whether a check is the one that is shown. One that was cancelled may have been of the same picture."""
        return self.running is not None and check is self._cancelled

    @Slot(object, int, int)
    def _take_step(self, check: threading.Event, done: int, count: int) -> None:
        if not self._runs(check):
            return
        if self.share is None:
            # What comes before the first step, as opening the second model, does not tell how long steps take.
            self._begun = time.monotonic()
        else:
            self.seconds_left = (time.monotonic() - self._begun) * (count - done) / max(1, done - 1)
        self.share, self.transfer = done / count, None
        self.changed.emit()

    @Slot(object, object)
    def _take_transfer(self, check: threading.Event, transfer: Transfer) -> None:
        if self._runs(check):
            # What is read after the whole file has come shows nothing.
            self.transfer = None if transfer.share == 1 else transfer
            self.changed.emit()

    @Slot(object, object, str, object)
    def _take(
        self, check: threading.Event | None, picture: RenderedPicture, survey: str, record: CheckRecord | None
    ) -> None:
        if record is not None:
            self._found[picture.key, survey] = record
            self.found.emit(picture.key)
        if self._runs(check):
            self.running = None
        self.changed.emit()

    def close(self, timeout_ms: int = 10_000) -> bool:
        """Give up what is checked, and wait for its step; False if that is stuck."""
        self._cancelled.set()
        ended = [each.wait(timeout_ms) for each in (self._thread, self._reader)]
        return all(ended)


def _about(reader: ModelName, model: ModelName) -> str:
    size = download_of(reader)
    said = f"{short_name(reader)} compares the pictures{f', and is downloaded first, {size}' if size else ''}"
    caution = caution_for(reader, model)
    return f"{said}. {caution}" if caution else said
