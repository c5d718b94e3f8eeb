"""The wall of a layer's units, with the controls over it and what is known of the current unit below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSettings, QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from clipdesk.errors import one_line
from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.background import Background
from clipdesk.gui.panels.wall_bar import INDEX, MAP, WallBar
from clipdesk.gui.panels.wall_input import WallInput
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.wall.source import Picture, WallSource, columns_of
from clipdesk.render.targets import Target, Unit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ICON, _MARGIN = 16, 6
_NOTHING = "Choose a layer to see its units"
_MAPPING = "Making the map …"


class WallPanel(QWidget):
    """All units of a layer as tiles.

    Whoever has a layer calls `show_layer`, then `show_source` once a survey is open, and `set_picture` whenever a unit
    has been rendered. `stop` ends the threads.

    Args:
        store: Where order, kind and size of the tiles are kept.

    Signals:
        selection_changed: Other units are selected.
        targets_chosen: A tuple with the target of the unit that the user wants to look into.
        render_asked: A tuple of targets that are to be rendered at once.
        batch_asked: A tuple of targets that are to be queued.
        failed: A `Problem`.
    """

    selection_changed = Signal()
    targets_chosen = Signal(object)
    render_asked = Signal(object)
    batch_asked = Signal(object)
    failed = Signal(object)
    _ordered = Signal(object, object)

    def __init__(self, store: QSettings) -> None:
        super().__init__()
        self.layer = ""
        self._units = 0
        self._source: WallSource | None = None
        self._ready = self._in_front = self._mapping = False
        self.bar = WallBar(store)
        self.view = WallInput(self.describe)
        self.view.setAccessibleName("Wall of units")
        self.view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.status = plain_label()
        # What is known of a unit may be long, and does not decide how wide the wall is.
        self.status.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._back = Background(self)
        self._make_actions()
        self._lay_out()
        self._connect()
        self.view.show_kind(self.bar.shown_kind)
        self._show_selection()

    def _make_actions(self) -> None:
        tip = "Render the selected units at once"
        self.render_action = make_action(self, "Render selected", "play", "Return", tip)
        self.render_action.setShortcuts([QKeySequence(Qt.Key.Key_Return), QKeySequence(Qt.Key.Key_Enter)])
        self.batch_action = make_action(self, "Add to batch", "playlist_plus", "B", "Queue the selected units")
        tip = "Look into the current unit. A double click does the same"
        self.open_action = make_action(self, "Open unit", "image_outline", "Ctrl+Return", tip)
        self.in_action = make_action(self, "Zoom in", "magnify_plus_outline", "+")
        self.in_action.setShortcuts([QKeySequence("+"), QKeySequence("=")])
        self.out_action = make_action(self, "Zoom out", "magnify_minus_outline", "-")
        self.all_action = make_action(self, "See all", "fit_to_page_outline", "0", "See all units")
        self.one_action = make_action(self, "Fill the view", "fullscreen", "1", "Show the current unit alone")
        self.zoom_actions = [self.in_action, self.out_action, self.all_action, self.one_action]
        self.actions_shown = [self.render_action, self.batch_action, self.open_action, *self.zoom_actions]
        for action in self.actions_shown:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            self.view.addAction(action)

    def _lay_out(self) -> None:
        tools = QToolBar(iconSize=QSize(_ICON, _ICON))
        fill_bar(tools, self.actions_shown)
        tools.insertSeparator(self.in_action)
        for action in (self.render_action, self.batch_action):
            button = tools.widgetForAction(action)
            if isinstance(button, QToolButton):
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.view, 1)
        below = QHBoxLayout()
        below.setContentsMargins(_MARGIN, 0, _MARGIN, 2)
        below.addWidget(self.status, 1)
        column.addLayout(below)
        area = QWidget()
        self._pages = QStackedLayout(area)
        self._pages.addWidget(plain_label(_NOTHING, centered=True, wrap=True))
        self._pages.addWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.bar)
        layout.addWidget(tools)
        layout.addWidget(area, 1)

    def _connect(self) -> None:
        self.render_action.triggered.connect(self._ask_render)
        self.batch_action.triggered.connect(self._ask_batch)
        self.open_action.triggered.connect(self._open_current)
        self.in_action.triggered.connect(self.view.zoom_in)
        self.out_action.triggered.connect(self.view.zoom_out)
        self.all_action.triggered.connect(self.view.zoom_to_all)
        self.one_action.triggered.connect(self._show_alone)
        self.view.chosen.connect(self._open)
        self.view.selection_changed.connect(self._show_selection)
        self.view.selection_changed.connect(self.selection_changed)
        self.view.current_changed.connect(self._show_current)
        self.view.side_changed.connect(self.bar.keep_side)
        self.view.failed.connect(self.failed)
        self.view.customContextMenuRequested.connect(self._show_menu)
        self._back.failed.connect(self._not_ordered)
        self._ordered.connect(self._arrange)
        self.bar.order_changed.connect(self._order)
        self.bar.kind_changed.connect(self.view.show_kind)

    # What it shows

    def show_layer(self, layer: str, units: int, pictures: Mapping[int, Picture] | None = None) -> None:
        """Show another layer's units, without a survey at first.

        Args:
            layer: Its dotted name; empty for none.
            units: Number of its units.
            pictures: What has been rendered of them.
        """
        side = self.bar.side
        self.layer, self._units, self._source = layer, units, None
        self.view.show_units(units, pictures or {}, None)
        if side:
            self.view.look_from(side)
        self._pages.setCurrentIndex(1 if units else 0)
        self._offer()
        self._show_current()

    def show_source(self, source: WallSource | None) -> None:
        """Show what a survey knows of the layer's units; None if there is none."""
        self._source = source if source is not None and source.units == self._units else None
        self.view.show_source(self._source)
        self._offer()
        self._show_current()

    def set_picture(self, unit: int, thumbnail: bytes) -> None:
        """Show the picture that was rendered of a unit of the layer, as `clipdesk.gui.images.packed` makes it."""
        self.set_pictures({unit: Picture(thumbnail)})

    def set_pictures(self, pictures: Mapping[int, Picture]) -> None:
        """Show the pictures that were rendered of some units of the layer."""
        self.view.set_pictures(pictures)

    def describe(self, unit: int) -> str:
        """What is known of a unit, in a line."""
        source = self._source
        parts = [f"Unit {unit:,}"]
        if source is not None:
            if word := source.words.get(unit):
                parts.append(one_line(word))
            numbers = ((name, float(values[unit])) for name, values in source.columns.items())
            parts += [f"{name} {value:.3g}" for name, value in numbers if isfinite(value)]
        return "  ·  ".join(parts)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_current()

    # Its order

    def _offer(self) -> None:
        source = self._source
        self.bar.offer(None if source is None else source.columns, "" if source is None else source.map_problem)
        self.view.show_kind(self.bar.shown_kind)
        self._order()

    def _order(self) -> None:
        """Bring the units into the order that is wanted."""
        source, name = self._source, self.bar.order_name
        self._mapping = name == MAP and source is not None
        if not self._units:
            return
        if name == INDEX or source is None:
            self._arrange((source, name), range(self._units))
        elif name == MAP:
            self._show_current()
            self._back.start(partial(self._make_map, source))
        else:
            self._arrange((source, name), sorted_by(source.columns[name], smallest_first=self.bar.backwards))

    def _make_map(self, source: WallSource) -> None:
        def stopped() -> bool:
            return self._source is not source or self.bar.order_name != MAP

        if not stopped():
            self._ordered.emit((source, MAP), source.map_order(columns_of(source.units), stopped).tolist())

    @Slot(object, object)
    def _arrange(self, what: tuple[WallSource | None, str], order: Sequence[int]) -> None:
        if what == (self._source, self.bar.order_name):
            self._mapping = False
            self.view.arrange(order, boxed=what[1] == MAP)
            self._show_current()

    @Slot(object)
    def _not_ordered(self, problem: object) -> None:
        self._mapping = False
        self._show_current()
        self.failed.emit(problem)

    # What is selected

    def selected(self) -> tuple[Target, ...]:
        """The selected units, in the order of their index."""
        return tuple(Unit(layer=self.layer, index=unit) for unit in self.view.selection.units)

    def select(self, units: list[int]) -> None:
        """Select units that are selected elsewhere, and go to the first of them."""
        if units != self.view.selection.units:
            self.view.choose_all(units)
            if self.view.selection.chosen:
                self.view.go_to(min(self.view.selection.chosen))

    def offer(self, ready: bool) -> None:
        """Enable or disable asking for pictures: a model must be open and the parameters valid."""
        self._ready = ready
        self._show_selection()

    def set_in_front(self, in_front: bool) -> None:
        """Enable what acts on the wall, while it is seen, or disable it."""
        self._in_front = in_front
        self._show_selection()

    @Slot()
    def _show_selection(self) -> None:
        count = len(self.view.selection.chosen)
        for action in (self.render_action, self.batch_action):
            action.setEnabled(self._in_front and self._ready and count > 0)
        self.render_action.setText(f"Render {count:,} selected" if count > 1 else "Render selected")
        self.batch_action.setText(f"Add {count:,} to batch" if count > 1 else "Add to batch")
        for action in (self.open_action, *self.zoom_actions):
            action.setEnabled(self._in_front and self._units > 0)
        self.bar.count.setText(f"{count:,} of {self._units:,} selected" if count else f"{self._units:,} units")

    @Slot()
    def _show_current(self) -> None:
        unit = self.view.selection.current
        text = "" if unit is None else self.describe(unit)
        if self._mapping:
            text = f"{_MAPPING}  {text}"
        room = max(0, self.width() - 2 * _MARGIN)
        self.status.setText(self.status.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room))
        self.status.setToolTip(plain_tip(text, wrap=True))
        self.view.setAccessibleDescription(text)

    def _ask_render(self) -> None:
        if targets := self.selected():
            self.render_asked.emit(targets)

    def _ask_batch(self) -> None:
        if targets := self.selected():
            self.batch_asked.emit(targets)

    def _open_current(self) -> None:
        if self.view.selection.current is not None:
            self._open(self.view.selection.current)

    @Slot(int)
    def _open(self, unit: int) -> None:
        self.targets_chosen.emit((Unit(layer=self.layer, index=unit),))

    def _show_alone(self) -> None:
        if self.view.selection.current is not None:
            self.view.show_alone(self.view.selection.current)

    def _show_menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.addActions(self.actions_shown)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.view.mapToGlobal(place))

    # Its end

    def stop(self, timeout_ms: int = 5_000) -> bool:
        """End the threads; False if one of them is stuck."""
        self._source = None
        closed = self.view.close_threads(timeout_ms)
        return self._back.wait(timeout_ms) and closed


def sorted_by(values: NDArray[np.float64], *, smallest_first: bool = False) -> list[int]:
    """Indices in the order of their values, the largest first; equal ones by index, undefined ones last."""
    order: list[int] = (values if smallest_first else -values).argsort(kind="stable").tolist()
    return order
