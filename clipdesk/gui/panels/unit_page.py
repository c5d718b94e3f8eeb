"""The unit page: what a unit's picture shows, beside what it answers to in a set of pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QImage, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QMenu,
    QPushButton,
    QScrollArea,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.actions import action_button, make_action
from clipdesk.gui.icons import icon
from clipdesk.gui.panels.histogram import Histogram
from clipdesk.gui.panels.mark_editor import MarkEditor
from clipdesk.gui.panels.photos import PhotosView
from clipdesk.gui.panels.rendered_picture import RenderedPicture
from clipdesk.gui.panels.similar import SimilarUnits
from clipdesk.gui.panels.thorough_bar import ThoroughBar
from clipdesk.gui.panels.word_line import WordLine
from clipdesk.gui.panels.written_line import WrittenLine
from clipdesk.gui.plain import plain_label
from clipdesk.gui.surveys.data import Heading, Photo, PooledUnit, UnitFacts
from clipdesk.gui.words import breakable, unbroken
from clipdesk.network.layer_names import short_layer

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import FoundUnit, Heat

_LARGE, _SMALL = 200, 136
"""Side of the rendered picture, in pixels."""
_WIDE, _HIGH = 560, 420
"""With less room than this the rendered picture is small, so that photos are in sight."""
_TOP, _RANGE, _BOTTOM, _GROUPS, _AGAINST = range(5)
_NONE = "Choose a unit: in the table, on the wall, or by a search"
_ON_ITS_WAY = "Asking the survey …"
_LATE = 250
"""Milliseconds for which what was shown before may stay while an answer is on its way."""
_COLUMNS = 5
_POOLINGS = {"mean": "Mean over patches", "max": "Largest patch", "class": "Class token"}
_UNKNOWN = UnitFacts("mean", ("mean",), (), (), (), (), (), (), (), (), None, (), (), ())
"""Of a unit whose answer is late."""


class _Tabs(QTabBar):
    """Tabs on a page that scrolls: the wheel scrolls the page and does not turn to the next tab."""

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class UnitPage(QWidget):
    """One unit.

    Signals:
        unit_chosen: Another `PooledUnit` to go to.
        counterpart_chosen: A `FoundUnit` of another model to go to.
        pooling_chosen: Another pooling to show the unit in.
        word_chosen: A word to search by.
        pictures_wanted: Indices of pictures whose thumbnails are needed.
        heat_wanted: Indices of pictures: where does the unit fire in them?
        layer_asked: The unit's layer is to be surveyed, too.
    """

    unit_chosen = Signal(object)
    counterpart_chosen = Signal(object)
    pooling_chosen = Signal(str)
    word_chosen = Signal(str)
    pictures_wanted = Signal(list)
    heat_wanted = Signal(list)
    layer_asked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._facts: UnitFacts | None = None
        self._judged: float | None = None
        self._heated = False
        self._make_actions()
        self.late = QTimer(self, singleShot=True, interval=_LATE)
        self.title = plain_label()
        font = self.title.font()
        font.setPointSizeF(font.pointSizeF() * 1.3)
        font.setBold(True)
        self.title.setFont(font)
        self.title.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.picture = RenderedPicture(self.render_action, _LARGE)
        self.judgement = plain_label(wrap=True)
        self.thorough = ThoroughBar()
        self.histogram = Histogram()
        self.numbers = plain_label(wrap=True)
        self.words = WordLine("Words")
        self.opposite = WordLine("It answers least to")
        self.writes = WrittenLine(self.write_action)
        self.message = plain_label(wrap=True)
        self.layer_button = QPushButton("Survey this layer")
        self.layer_button.hide()
        self.pooling = QComboBox()
        self.pooling.setAccessibleName("Which of its values counts")
        self.pooling.setToolTip(
            "A unit has a value at each place of a picture. Which one counts changes what it answers to"
        )
        self.tabs = _Tabs(documentMode=True, drawBase=False, expanding=False)
        self.tabs.setAccessibleName("Which pictures are shown")
        for name in ("Top", "Whole range", "Bottom", "Groups", "Against"):
            self.tabs.addTab(name)
        self.warm = QCheckBox("Where it fires")
        self.warm.setToolTip("Show the pictures grey where the unit does not fire. Point at one to see it large")
        self.photos = PhotosView("Pictures of the unit")
        self.marks = MarkEditor(self.star_action)
        self.within = SimilarUnits("Similar units of the layer", own=True)
        self.across = SimilarUnits("Similar units of other layers", own=False)
        self.elsewhere = SimilarUnits("Similar units of other models, surveyed over the same images", own=False)
        self.similar = (self.within, self.across, self.elsewhere)
        self._lay_out()
        self._connect()
        self.show_none()

    def _make_actions(self) -> None:
        self.back_action = make_action(self, "Back", "arrow_left", "Alt+Left", "The unit before")
        self.forward_action = make_action(self, "Forward", "arrow_right", "Alt+Right", "The unit after")
        self.render_action = make_action(self, "Render this unit", "play", "Ctrl+Alt+R")
        tip = "Render the direction of the latent's decoder: what the latent adds to the layer, not what it answers to"
        self.write_action = make_action(self, "Render what it writes", "play", "Ctrl+Alt+W", tip)
        self.write_action.setEnabled(False)
        self.like_action = make_action(self, "Find units like it", "magnify", "Ctrl+Shift+L")
        self.surprise_action = make_action(
            self, "Surprise me", "dice_multiple_outline", "Ctrl+Shift+U", "Go to a unit that is worth looking at"
        )
        tip = "Give the unit a star, or take it away"
        self.star_action = make_action(self, "Star this unit", "star_outline", "Ctrl+D", tip, checkable=True)
        self.star_action.setIcon(icon("star_outline", "star"))
        export, tip = "export_variant", "Write this page as HTML or JSON"
        self.export_action = make_action(self, "Export page …", export, "Ctrl+Alt+U", tip)
        self.export_layer_action = make_action(self, "Export page of the layer …", export, "Ctrl+Alt+Shift+U")
        tip = "Copy a link that opens ClipDesk at this unit"
        self.link_action = make_action(self, "Copy link", "link_variant", "Ctrl+Alt+K", tip)
        tip = "Copy a line for a terminal that writes this page"
        self.command_action = make_action(self, "Copy page as command", "console_line", "Ctrl+Alt+Shift+C", tip)
        self.out_actions = [self.export_action, self.export_layer_action, self.link_action, self.command_action]
        self.actions_shown = [
            self.back_action,
            self.forward_action,
            self.render_action,
            self.star_action,
            self.like_action,
            self.surprise_action,
        ]

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        for action in (self.back_action, self.forward_action):
            head.addWidget(action_button(action))
        head.addWidget(self.title, 1)
        head.addWidget(self.pooling)
        for action in self.actions_shown[2:]:
            head.addWidget(action_button(action))
        head.addWidget(self._make_menu())
        facts = QVBoxLayout()
        facts.addWidget(self.histogram)
        facts.addWidget(self.judgement)
        facts.addWidget(self.thorough, 0, Qt.AlignmentFlag.AlignLeft)
        facts.addWidget(self.words)
        facts.addStretch()
        top = QHBoxLayout()
        top.addWidget(self.picture, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(facts, 1)
        row = QHBoxLayout()
        row.addWidget(self.tabs, 1)
        row.addWidget(self.warm)
        self._known = QWidget()
        known = QVBoxLayout(self._known)
        known.setContentsMargins(0, 0, 0, 0)
        known.addLayout(row)
        for part in (self.photos, *self.similar, self.writes, self.opposite, self.numbers):
            known.addWidget(part)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(10, 6, 10, 10)
        column.addLayout(top)
        column.addWidget(self.message)
        column.addWidget(self.layer_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._known)
        column.addWidget(self.marks)
        column.addStretch()
        self.area = QScrollArea(widgetResizable=True)
        self.area.setAccessibleName("What is known of the unit")
        self.area.setFrameShape(QScrollArea.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(6, 4, 6, 0)
        outer.setSpacing(4)
        outer.addLayout(head)
        outer.addWidget(self.area, 1)

    def _make_menu(self) -> QToolButton:
        button = QToolButton(autoRaise=True, popupMode=QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setIcon(icon("export_variant"))
        button.setAccessibleName("Export and copy")
        button.setToolTip("Export and copy")
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        menu = QMenu(button)
        menu.addActions(self.out_actions)
        button.setMenu(menu)
        return button

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self._show_part)
        self.late.timeout.connect(self._clear)
        self.warm.toggled.connect(self._warm)
        self.pooling.activated.connect(lambda row: self.pooling_chosen.emit(self.pooling.itemData(row)))
        self.photos.heat_wanted.connect(lambda _picture: self._want_heat())
        for similar in (self.within, self.across):
            similar.chosen.connect(lambda found: self.unit_chosen.emit(found.pooled))
        self.elsewhere.chosen.connect(self.counterpart_chosen)
        for line in (self.words, self.opposite, self.writes.line):
            line.chosen.connect(self.word_chosen)
        self.layer_button.clicked.connect(self._ask_layer)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.picture.set_side(_LARGE if self.width() >= _WIDE and self.height() >= _HIGH else _SMALL)

    def take_focus(self) -> None:
        """Get the keys: the arrows go through the photos, or scroll while there are none."""
        (self.photos if self.photos.isVisible() else self.area).setFocus()

    # What is shown

    def show_none(self) -> None:
        """Show no unit."""
        self.pooled: PooledUnit | None = None
        self.title.clear()
        self._show_facts(None, _NONE)
        self.picture.hide()
        self.judge("")

    def show_unit(self, pooled: PooledUnit, words: str = "") -> None:
        """Turn to a unit, of which nothing is known yet.

        Args:
            pooled: The unit, and how it is shown.
            words: Why nothing is known of it; empty if that is on its way, and the page of the unit before stays.
        """
        if self.pooled is None or pooled[:2] != self.pooled[:2]:
            self.area.verticalScrollBar().setValue(0)
        another, self.pooled = pooled != self.pooled, pooled
        self.title.setText(f"{short_layer(pooled.layer)}:{pooled.unit}")
        self.title.setToolTip(f"{pooled.layer}:{pooled.unit}")
        self.picture.show()
        self.judge("")
        if words or self._facts is None:
            self._show_facts(None, words or _ON_ITS_WAY)
        elif another and not self.late.isActive():
            self.late.start()

    def show_facts(self, facts: UnitFacts) -> None:
        """Show what is known of the unit."""
        self._show_facts(facts, "")

    def _clear(self) -> None:
        """An answer is late: what is known of another unit must not stand under this one's name for long."""
        # Nothing is hidden, since that would take the keys away.
        self._show_facts(_UNKNOWN, _ON_ITS_WAY)
        self.words.show_words((), "")

    def _show_facts(self, facts: UnitFacts | None, words: str) -> None:
        self.late.stop()
        self._facts, self._heated = facts, False
        self.message.setText(breakable(words))
        self.message.setVisible(bool(words))
        self.layer_button.hide()
        known = (self._known, self.histogram, self.numbers, self.words, self.opposite)
        for widget in known:
            widget.setVisible(facts is not None)
        self._show_poolings(facts)
        if facts is None:
            return
        self.histogram.show_counts(facts.edges, facts.counts)
        self.histogram.mark(self._judged)
        self.numbers.setText("   ".join(f"{name} {value}" for name, value in facts.numbers))
        if facts.words is not None:
            self.words.show_words(facts.words, "none fits it")
        elif not self.words.label.text():
            self.words.show_words((), "the model has not read them yet")
        self.opposite.show_words(facts.opposite, "")
        groups = sum(isinstance(item, Heading) for item in facts.groups)
        self.tabs.setTabVisible(_AGAINST, bool(facts.against))
        self.tabs.setTabText(_GROUPS, f"Groups ({groups})" if groups > 1 else "Groups")
        self.within.show_units(facts.within)
        self.across.show_units(facts.across)
        self.elsewhere.show_units(())
        self.writes.line.show_words((), "")
        self._show_part()

    def _show_poolings(self, facts: UnitFacts | None) -> None:
        """Offer the ways that there are to make one value of a picture's many."""
        poolings = () if facts is None else facts.poolings
        self.pooling.clear()
        for pooling in poolings:
            self.pooling.addItem(_POOLINGS[pooling], pooling)
        self.pooling.setCurrentIndex(-1 if facts is None else poolings.index(facts.pooling))
        self.pooling.setVisible(len(poolings) > 1)

    def offer_layer(self) -> None:
        """Offer to survey the unit's layer."""
        self.layer_button.show()

    def _ask_layer(self) -> None:
        if self.pooled is not None:
            self.layer_asked.emit(self.pooled.layer)

    def _show_part(self) -> None:
        if self._facts is None:
            return
        part = self.tabs.currentIndex()
        facts = self._facts
        parts: tuple[Sequence[Photo | Heading], ...] = (
            facts.top,
            facts.range,
            facts.bottom,
            facts.groups,
            facts.against,
        )
        items = parts[part]
        self.photos.set_columns(_COLUMNS if part in (_RANGE, _GROUPS, _AGAINST) else None)
        self.photos.photos.show(items)
        self._heated = False
        wanted = [*self.photos.photos.missing(), *self._of_similar()]
        self.pictures_wanted.emit(list(dict.fromkeys(wanted)))
        if self.warm.isChecked():
            self._want_heat()

    def show_pictures(self, images: Mapping[int, QImage]) -> None:
        """Take thumbnails by the index of the picture."""
        self.photos.photos.add_images(images)
        for similar in self.similar:
            similar.add_images(images)

    def show_counterparts(self, found: Sequence[FoundUnit]) -> None:
        """Show which units of other models are like it."""
        self.elsewhere.show_units(found)
        if not found:
            return
        self.pictures_wanted.emit(list(dict.fromkeys([*self.photos.photos.missing(), *self._of_similar()])))

    def _of_similar(self) -> Iterator[int]:
        return (picture for similar in self.similar for picture in similar.pictures())

    def show_heat(self, layer: str, unit: int, heat: Mapping[int, Heat]) -> None:
        """Take pictures of where the unit fires."""
        if self.pooled is not None and (layer, unit) == self.pooled[:2]:
            self.photos.photos.show_heat(heat)

    def _warm(self, warm: bool) -> None:
        self.photos.photos.warm(warm)
        if warm:
            self._want_heat()

    def _want_heat(self) -> None:
        """Ask for all pictures at once, so that they are on one scale; once."""
        if not self._heated and (pictures := self.photos.photos.pictures()):
            self._heated = True
            self.heat_wanted.emit(pictures)

    # The rendered picture

    def judge(self, words: str, value: float | None = None) -> None:
        """Say where the rendered picture stands among those of the set, and mark its activation."""
        self._judged = value
        self.judgement.setText(breakable(f"The rendered picture excites it {words}") if words else "")
        self.judgement.setVisible(bool(words))
        self.histogram.mark(value)

    @property
    def judged(self) -> str:
        """What is said of the rendered picture."""
        return unbroken(self.judgement.text())
