"""The wall of a comparison: the first units of the table, each with its pictures in A and in B beside each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QToolBar, QVBoxLayout, QWidget

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.item_models.changed import Words, has_changed
from clipdesk.gui.panels.wall_input import WallInput
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.wall.overlay import WORDED
from clipdesk.gui.wall.source import Kind, Picture

if TYPE_CHECKING:
    from clipdesk.gui.comparisons.data import Changed
    from clipdesk.gui.comparisons.hung import HungUnits

_ICON = 16
_COUNTS = (24, 96, 384)
_TIP = (
    "In each tile, A is on the left and B on the right: above, the rendered pictures; below, the images that excite "
    "the unit most. Before pictures are rendered, two images of each"
)


class ComparedWall(QWidget):
    """The wall, with a bar over it.

    Signals:
        unit_chosen: The place of the unit, in the list of the most changed ones, that was clicked or reached by keys.
        sort_asked: The column of the table that the units are to be sorted by.
        count_changed: Another number of units is to hang there.
        render_asked: Pictures are to be rendered.
        stop_asked: No more of them are to be rendered.
    """

    unit_chosen = Signal(int)
    sort_asked = Signal(int)
    count_changed = Signal()
    render_asked = Signal()
    stop_asked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._rows: Sequence[Changed] = ()
        self._source: HungUnits | None = None
        self._places: dict[int, int] = {}
        self.view = WallInput(self.describe)
        self.view.setAccessibleName("Wall of the units that have changed most")
        self.view.show_kind(Kind.PAIR)
        self.view.name = self._name
        self.sort = QComboBox()
        self.sort.setAccessibleName("Order of the units on the wall")
        self.sort.setToolTip("The wall has the order of the table: what changes one changes the other")
        self.count = QComboBox()
        self.count.setAccessibleName("Number of units on the wall")
        for number in _COUNTS:
            self.count.addItem(f"First {number}", number)
        self.count.addItem("All", 0)
        self.left = plain_label()
        self.button, self.stop_button = QPushButton("Render pictures"), QPushButton("Stop")
        self.button.setToolTip("Render the units of the wall in A and in B, with one seed and the panel's settings")
        self._lay_out()
        self.view.current_changed.connect(self._say)
        self.sort.activated.connect(lambda at: self.sort_asked.emit(self.sort.itemData(at)))
        self.count.activated.connect(self.count_changed)
        self.button.clicked.connect(self.render_asked)
        self.stop_button.clicked.connect(self.stop_asked)
        self.show_left(0)

    def _lay_out(self) -> None:
        tools = QToolBar(iconSize=QSize(_ICON, _ICON))
        glyphs = {"in": "magnify_plus_outline", "out": "magnify_minus_outline", "all": "fit_to_page_outline"}
        names = {"in": "Zoom in", "out": "Zoom out", "all": "See all"}
        keys, acts = {"in": "+", "out": "-", "all": "0"}, (self.view.zoom_in, self.view.zoom_out, self.view.zoom_to_all)
        actions = [make_action(self, names[name], glyph, keys[name]) for name, glyph in glyphs.items()]
        for action, act in zip(actions, acts, strict=True):
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(act)
            self.view.addAction(action)
        fill_bar(tools, actions)
        bar = QHBoxLayout()
        bar.setContentsMargins(4, 2, 4, 0)
        for box in (self.sort, self.count):
            bar.addWidget(box)
        bar.addWidget(tools)
        bar.addStretch(1)
        bar.addWidget(self.left)
        for button in (self.button, self.stop_button):
            bar.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addLayout(bar)
        column.addWidget(self.view, 1)
        self.view.setMinimumSize(160, 120)
        self.setToolTip(plain_tip(_TIP, wrap=True))

    @property
    def wanted(self) -> int:
        """How many units are to hang there; 0 for all."""
        return int(self.count.currentData())

    @property
    def places(self) -> tuple[int, ...]:
        """The places of its units, in its order."""
        return tuple(row.place for row in self._rows)

    def offer(self, columns: Mapping[int, str], sorted_by: int) -> None:
        """Offer orders.

        Args:
            columns: What units can be sorted by, by the place of its column in the table.
            sorted_by: The one that they are sorted by.
        """
        self.sort.clear()
        for column, name in columns.items():
            self.sort.addItem(f"By {name}", column)
        self.sort.setCurrentIndex(self.sort.findData(sorted_by))

    def show_units(self, rows: Sequence[Changed], source: HungUnits | None) -> None:
        """Hang up units.

        Args:
            rows: They, in their order.
            source: Their photos; None for an empty wall.
        """
        self._rows, self._source = tuple(rows) if source is not None else (), source
        self._places = {row.place: at for at, row in enumerate(self._rows)}
        self.view.show_units(len(self._rows), {}, source)

    def show_words(self, words_of: Callable[[int], Words | None]) -> None:
        """Show what units answer to, as far as it is known, by the places of their units."""
        if self._source is None:
            return
        for at, row in enumerate(self._rows):
            words = words_of(row.place)
            if words is not None:
                said = [word.concept for word in words if word is not None]
                self._source.words[at] = " → ".join(said if has_changed(words) else said[:1])
        self.view.update()

    def show_tiles(self, tiles: Mapping[int, Picture]) -> None:
        """Take rendered pictures, by the places of their units."""
        self.view.set_pictures({self._places[place]: tile for place, tile in tiles.items() if place in self._places})

    def show_current(self, place: int) -> None:
        """Go to the unit that is shown elsewhere, if it hangs here."""
        at = self._places.get(place)
        if at is not None and (self.view.selection.current != at or at not in self.view.selection.chosen):
            self.view.selection.choose(at)
            self.view.reveal(at)
            self.view.update()

    def show_left(self, left: int) -> None:
        """Show how many units are still to be rendered; 0 if none is being rendered."""
        self.left.setText(f"Rendering, {left:,} left" if left else "")
        self.left.setVisible(left > 0)
        self.stop_button.setVisible(left > 0)
        self.button.setVisible(left == 0)

    def describe(self, unit: int) -> str:
        """What is known of a unit of the wall, in a line."""
        row = self._rows[unit]
        words = "" if self._source is None else self._source.words.get(unit, "")
        parts = [row.name, words, f"drift {row.drift:.3f}", f"moved {row.moved:.3g}", row.note]
        return "  ·  ".join(filter(None, parts))

    def _name(self, unit: int) -> str:
        # Below that, some names have room and most have not.
        return self._rows[unit].name if self.view.camera.side >= WORDED else ""

    @Slot(int)
    def _say(self, unit: int) -> None:
        self.view.setAccessibleDescription(self.describe(unit))
        self.unit_chosen.emit(self._rows[unit].place)
