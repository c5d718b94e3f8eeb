"""Find: a word, a sentence or an image, and the units of all layers that answer to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QListView,
    QPushButton,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.item_models.found import FOUND_ROLE, IMAGES_ROLE, MAP_ROLE, FoundModel
from clipdesk.gui.item_models.qt import Index
from clipdesk.gui.plain import plain_label
from clipdesk.gui.surveys.data import FoundUnit, PooledUnit, Question
from clipdesk.gui.words import breakable, unbroken
from clipdesk.models.learnt import caution, first_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clipdesk.models.names import ModelName

_SIDE, _PAD, _BAR = 56, 4, 4
_IMAGES = "Images (*.png *.jpg *.jpeg *.webp *.bmp *.tif *.tiff)"


class _Drawing(QStyledItemDelegate):
    """A unit's name and correlation, with its top pictures."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(0, _SIDE + 2 * _PAD)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        found = index.data(FOUND_ROLE)
        if not isinstance(found, FoundUnit):
            return
        palette, area = option.palette, option.rect.adjusted(_PAD, _PAD, -_PAD, -_PAD)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        if selected:
            painter.fillRect(option.rect, palette.color(QPalette.ColorRole.Highlight))
        elif index.row() % 2:
            painter.fillRect(option.rect, palette.color(QPalette.ColorRole.AlternateBase))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        left = area.left()
        for image in (index.data(MAP_ROLE), *index.data(IMAGES_ROLE)):
            if isinstance(image, QImage) and not image.isNull():
                painter.drawImage(QRect(left, area.top(), _SIDE, _SIDE), image)
            if image is not None or left > area.left():
                left += _SIDE + _PAD
        text = QRect(max(left, area.left() + 4 * (_SIDE + _PAD)) + 2 * _PAD, area.top(), 0, _SIDE // 2)
        text.setRight(area.right())
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        painter.setPen(palette.color(role))
        name = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideLeft, text.width())
        painter.drawText(text, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom, name)
        below = text.translated(0, text.height())
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop, f"{found.correlation:.2f}")
        bar = QRect(below.left() + option.fontMetrics.horizontalAdvance("-0.00") + 2 * _PAD, 0, 0, _BAR)
        bar.moveTop(below.top() + option.fontMetrics.height() // 2 - _BAR // 2)
        bar.setWidth(max(0, round((below.right() - bar.left()) * max(0.0, found.correlation))))
        painter.fillRect(bar, palette.color(role if selected else QPalette.ColorRole.Highlight))
        painter.restore()


class FindPage(QWidget):
    """The box and what it has found.

    Attributes:
        question: What was asked last; None before that.

    Signals:
        asked: A `Question`.
        unit_chosen: A `PooledUnit`.
        pictures_wanted: Indices of pictures whose thumbnails are needed.
    """

    asked = Signal(object)
    unit_chosen = Signal(object)
    pictures_wanted = Signal(list)

    def __init__(self) -> None:
        super().__init__()
        self.question: Question | None = None
        self._layer: str | None = None
        self._model: ModelName | None = None
        self.found = FoundModel(self)
        self.box = QLineEdit(placeholderText="A word, a sentence, or a dropped photo", clearButtonEnabled=True)
        self.box.setAccessibleName("Find units")
        self.box.setToolTip("What the units are to answer to (Ctrl+F). Press Enter to search")
        self.image_button = QPushButton(icon("image_outline"), "Photo …")
        self.image_button.setToolTip("Search by an image of yours")
        self.here = QCheckBox("In this layer only")
        self.here.setEnabled(False)
        self.message = plain_label(_hint(None), centered=True, wrap=True, margin=16)
        self.title = plain_label(wrap=True)
        self.list = QListView()
        self.list.setAccessibleName("Found units")
        self.list.setModel(self.found)
        self.list.setItemDelegate(_Drawing(self.list))
        self.list.setUniformItemSizes(True)
        self._lay_out()
        self.box.returnPressed.connect(self._ask_text)
        self.image_button.clicked.connect(self._choose_image)
        self.here.clicked.connect(self.ask_again)
        self.list.activated.connect(self._choose)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.box, 1)
        row.addWidget(self.image_button)
        row.addWidget(self.here)
        listed = QWidget()
        inner = QVBoxLayout(listed)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self.title)
        inner.addWidget(self.list, 1)
        area = QWidget()
        self._pages = QStackedLayout(area)
        self._pages.addWidget(self.message)
        self._pages.addWidget(listed)
        column = QVBoxLayout(self)
        column.setContentsMargins(6, 6, 6, 6)
        column.addLayout(row)
        column.addWidget(area, 1)

    def show_layer(self, layer: str | None) -> None:
        """Offer to search this layer alone."""
        self._layer = layer
        self.here.setEnabled(layer is not None)

    def forget(self, model: ModelName | None = None) -> None:
        """Begin anew, with this model; None if it is not known."""
        self.question, self._model = None, model
        self.found.show([])
        self._say(_hint(model))

    # Asking

    def search_image(self, image: Path) -> None:
        """Search by an image."""
        self.box.clear()
        self._ask(Question(image=image))

    def search_text(self, text: str) -> None:
        """Search by a text."""
        self.box.setText(text)
        self._ask_text()

    def search_like(self, pooled: PooledUnit) -> None:
        """Search for units that are like another one."""
        self.box.clear()
        self._ask(Question(unit=pooled))

    def _ask_text(self) -> None:
        if text := self.box.text().strip():
            self._ask(Question(text=text))

    def ask_again(self) -> None:
        """Ask the last question again, as in another survey."""
        if self.question is not None:
            self._ask(self.question)

    def _ask(self, question: Question) -> None:
        layer = self._layer if self.here.isChecked() and self.here.isEnabled() else None
        self.question = replace(question, layer=layer)
        self.found.show([])
        self._say(f"Looking for {self.question.words} …")
        self.asked.emit(self.question)

    def _choose_image(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Search by an image", "", _IMAGES)
        if path:
            self.search_image(Path(path))

    # Answers

    def show_found(self, question: Question, found: Sequence[FoundUnit] | str) -> None:
        """Show what was found for a question, or why there is nothing; nothing if it is not the last one."""
        if question != self.question:
            return
        if isinstance(found, str):
            self._say(found)
            return
        self.found.show(found)
        if not found:
            self._say(f"No unit follows {question.words}")
            return
        where = "" if question.layer is None else " in this layer"
        said = caution(question.text, self._model)
        self.title.setText(breakable(f"Units for {question.words}{where}, by correlation{said and f'. Note: {said}'}"))
        self._pages.setCurrentIndex(1)
        self.list.setCurrentIndex(self.found.index(0))
        if self.box.hasFocus() or self.image_button.hasFocus():
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
        self.pictures_wanted.emit(self.found.pictures())

    def show_reading(self, share: float) -> None:
        """Say that the words are being read, for which a search by text waits."""
        if self.question is not None and self.question.text and not self.found.units:
            self._say(f"Looking for {self.question.words}: the model reads its list of words, once: {share:.0%}")

    def show_maps(self, question: Question, maps: Mapping[int, QImage]) -> None:
        """Show where units fire in the image that was searched by."""
        if question == self.question:
            self.found.add_maps(maps)

    def _say(self, text: str) -> None:
        self.message.setText(breakable(text))
        self._pages.setCurrentIndex(0)

    @property
    def said(self) -> str:
        """The message that is shown; empty over a list."""
        return unbroken(self.message.text()) if self._pages.currentIndex() == 0 else ""

    def _choose(self) -> None:
        found = self.list.currentIndex().data(FOUND_ROLE)
        if isinstance(found, FoundUnit):
            self.unit_chosen.emit(found.pooled)


def _hint(model: ModelName | None) -> str:
    return (
        f"Type a word or a sentence, such as “{first_text(model)}”, or drop a photo here. "
        "The units of all layers whose activation follows it best are listed."
    )
