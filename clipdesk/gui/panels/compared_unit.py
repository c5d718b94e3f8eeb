"""A unit in two models, side by side: pictures, words, histograms and top photos, which scroll together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from clipdesk.gui.comparisons.data import Changed, Side
from clipdesk.gui.images import to_pixmap
from clipdesk.gui.panels.histogram import Histogram
from clipdesk.gui.panels.photos import PhotosView
from clipdesk.gui.panels.word_line import WordLine
from clipdesk.gui.plain import plain_label
from clipdesk.gui.surveys.data import Word
from clipdesk.gui.words import breakable

_PICTURE, _PHOTOS = 144, 3
_NAMES = ("In A", "In B", "B - A")
_NONE = "Choose a unit in the table"


class _Half:
    """The parts of one of the two models."""

    def __init__(self, name: str) -> None:
        self.title, self.numbers = plain_label(wrap=True), plain_label(wrap=True)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.words = WordLine("Words")
        self.histogram = Histogram()
        self.photos = PhotosView(f"Top pictures {name}")
        self.photos.set_columns(_PHOTOS)

    def parts(self) -> tuple[QWidget, ...]:
        """From top to bottom."""
        return self.title, self.words, self.histogram, self.numbers, self.photos

    def show_side(self, side: Side | None) -> None:
        """Show a unit; None where the other model has none."""
        for part in self.parts():
            part.setVisible(side is not None)
        if side is not None:
            self.title.setText(breakable(side.name))
            self.numbers.setText(breakable(side.numbers))
            self.histogram.show_counts(side.edges, side.counts)
            self.photos.photos.show(side.top)


class ComparedUnit(QWidget):
    """The unit. Both sides stand in one grid, so that they scroll together and each part is beside its own.

    Signals:
        render_asked: The three pictures are to be rendered.
        stop_asked: The render is to be given up.
        pictures_wanted: Indices of pictures whose thumbnails are needed.
    """

    render_asked = Signal()
    stop_asked = Signal()
    pictures_wanted = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.changed: Changed | None = None
        self.title = plain_label(_NONE, wrap=True)
        self.halves = tuple(_Half(name) for name in _NAMES[:2])
        self.images = tuple(plain_label(centered=True) for _ in _NAMES)
        self.button = QPushButton("Render in A, in B, and the difference")
        self.button.setToolTip(
            "With the same seed and the settings of the panel. The difference excites B's unit and leaves A's cold"
        )
        self.stop_button = QPushButton("Stop")
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress of the render")
        self._lay_out()
        self.button.clicked.connect(self.render_asked)
        self.stop_button.clicked.connect(self.stop_asked)
        self.show_none()

    def _lay_out(self) -> None:
        inside = QWidget()
        grid = QGridLayout(inside)
        grid.setContentsMargins(6, 4, 6, 8)
        for column in range(6):
            grid.setColumnStretch(column, 1)
        grid.addWidget(self.title, 0, 0, 1, 6)
        grid.addWidget(self.button, 1, 0, 1, 6, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.progress, 1, 0, 1, 4)
        grid.addWidget(self.stop_button, 1, 4, 1, 2)
        self._captions = tuple(plain_label(name, centered=True) for name in _NAMES)
        for at, (image, caption) in enumerate(zip(self.images, self._captions, strict=True)):
            image.setAccessibleName(f"Rendered picture {_NAMES[at]}")
            grid.addWidget(image, 2, 2 * at, 1, 2)
            grid.addWidget(caption, 3, 2 * at, 1, 2)
        for at, half in enumerate(self.halves):
            for row, part in enumerate(half.parts(), start=4):
                grid.addWidget(part, row, 3 * at, 1, 3, Qt.AlignmentFlag.AlignTop)
        grid.setRowStretch(grid.rowCount(), 1)
        self.area = QScrollArea(widgetResizable=True)
        self.area.setAccessibleName("The unit in both models")
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inside)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(self.area)

    def show_none(self) -> None:
        """Show no unit."""
        self.changed = None
        self.title.setText(_NONE)
        for half in self.halves:
            half.show_side(None)
        self.show_images(None)
        self.show_rendering(None)
        self.button.hide()

    def show_unit(self, changed: Changed) -> None:
        """Turn to a unit, whose answers are on their way."""
        self.changed = changed
        note = f" ({changed.note})" if changed.note else ""
        for half in self.halves:
            # Not with its sides: the words, which another thread reads, may come before them.
            half.words.show_words((), "being read …")
        self.title.setText(breakable(f"{changed.name}: drift {changed.drift:.3f}{note}"))
        self.show_images(None)
        self.show_rendering(None)

    def show_sides(self, sides: Sequence[Side]) -> None:
        """Show what is known of it."""
        for at, half in enumerate(self.halves):
            half.show_side(sides[at] if at < len(sides) else None)
        self.button.setEnabled(len(sides) == len(self.halves))
        wanted = [picture for half in self.halves for picture in half.photos.photos.missing()]
        self.pictures_wanted.emit(list(dict.fromkeys(wanted)))

    def show_words(self, words: Sequence[Sequence[Word]] | str) -> None:
        """Show its words; or why there are none."""
        for at, half in enumerate(self.halves):
            if isinstance(words, str):
                half.words.show_words((), words)
            elif at < len(words):
                half.words.show_words(words[at], "none fits it")

    def show_pictures(self, images: Mapping[int, QImage]) -> None:
        """Take thumbnails by the index of the picture."""
        for half in self.halves:
            half.photos.photos.add_images(images)

    def show_rendering(self, share: float | None) -> None:
        """Show how far a render is; None for none."""
        self.button.setVisible(share is None)
        for part in (self.progress, self.stop_button):
            part.setVisible(share is not None)
        self.progress.setValue(round(100 * (share or 0)))

    def show_images(self, images: Sequence[QImage | None] | None) -> None:
        """Show the rendered pictures, and leave room for those that are None; without any, no room is left."""
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        for at, (label, caption) in enumerate(zip(self.images, self._captions, strict=True)):
            label.setVisible(images is not None)
            caption.setVisible(images is not None)
            image = None if images is None else images[at]
            if image is None:
                label.clear()
            else:
                label.setPixmap(to_pixmap(image.scaled(_PICTURE, _PICTURE, keep, smooth)))
