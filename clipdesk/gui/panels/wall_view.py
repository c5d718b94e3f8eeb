"""The wall itself: all units of a layer as tiles, from all of them on one screen to one that fills it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from PySide6.QtCore import QEasingCurve, QEvent, QPointF, QRectF, QSize, Qt, QVariantAnimation, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent, QStaticText
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from clipdesk.gui.wall.camera import Camera, Stage
from clipdesk.gui.wall.mosaics import Mosaics
from clipdesk.gui.wall.overlay import Overlay
from clipdesk.gui.wall.selection import Selection
from clipdesk.gui.wall.source import Hanging, Kind, Picture, WallSource, columns_of
from clipdesk.gui.wall.tiles import Tiles

GLIDE_MS = 140
"""How long the view takes to where a key or a turn of the wheel leads."""
_NOBODY: Mapping[int, str] = {}


class WallView(QWidget):
    """Draws the wall, and holds what is selected on it. `wall_input.WallInput` lets the user move it.

    Attributes:
        selection: What is selected on it.
        camera: Where it is looked at from now.
        glide_ms: How long the view takes to where it is going.
        name: Gives the number of a unit, or what else it is called on its tile.
        is_drawn: Whether the last frame had all tiles that were seen, as they are.

    Signals:
        selection_changed: Other units are selected.
        current_changed: The unit that the cursor has moved to.
        side_changed: The side of a cell from now on, in pixels; 0 while the whole wall is seen.
        failed: A `Problem`.
    """

    selection_changed = Signal()
    current_changed = Signal(int)
    side_changed = Signal(float)
    failed = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.selection = Selection()
        self.camera = Camera(0, 0, 1)
        self.glide_ms = GLIDE_MS
        self.name: Callable[[int], str] = str
        self.is_drawn = False
        self._all = True
        self._pictures: dict[int, Picture] = {}
        self._source: WallSource | None = None
        self._tiles = Tiles(self._pictures, None)
        self._kind = Kind.BOTH
        self._hanging: Hanging | None = None
        self._band: QRectF | None = None
        self._texts: dict[str, QStaticText] = {}
        self._mosaics = Mosaics(self)
        self._mosaics.changed.connect(self.update)
        self._mosaics.failed.connect(self.failed)
        self._start, self._goal = self.camera, self.camera
        self._glide = QVariantAnimation(self)
        self._glide.setStartValue(0.0)
        self._glide.setEndValue(1.0)
        self._glide.setEasingCurve(QEasingCurve.Type.OutCubic)
        self._glide.valueChanged.connect(self._glided)
        self.close_threads = self._mosaics.close

    @override
    def sizeHint(self) -> QSize:
        return QSize(640, 420)

    # What hangs on it

    @property
    def hanging(self) -> Hanging | None:
        """What hangs where; None for an empty wall."""
        return self._hanging

    def show_units(self, units: int, pictures: Mapping[int, Picture], source: WallSource | None) -> None:
        """Show the units of another layer, in the order of their index; the view stays as near as it was."""
        self._pictures = dict(pictures)
        self._source = source
        self._tiles = Tiles(self._pictures, source)
        self.selection.reset(units)
        self._hang(range(units))
        if self._all:
            self.look_at(Camera.of_all(self.stage), at_once=True)
        else:
            self.look_at(Camera(0, 0, self.camera.side), at_once=True)
        self.selection_changed.emit()

    def show_source(self, source: WallSource | None) -> None:
        """Show what a survey knows of the same units, or no longer."""
        self._source = source
        self._tiles = Tiles(self._pictures, source)
        self._hang(None)

    def arrange(self, order: Sequence[int], *, boxed: bool) -> None:
        """Show the units in another order; what is selected stays so.

        Args:
            order: The units, row by row.
            boxed: Whether neighbours above and below belong together as much as those beside each other.
        """
        self.selection.boxed = boxed
        self._hang(order)

    def show_kind(self, kind: Kind) -> None:
        """Show pictures, photos or both."""
        if kind is not self._kind:
            self._kind = kind
            self._hang(None)

    def set_pictures(self, pictures: Mapping[int, Picture]) -> None:
        """Show what has been rendered of some units."""
        if self._hanging is None:
            return
        new = {
            unit: picture
            for unit, picture in pictures.items()
            if 0 <= unit < len(self._hanging.order) and self._pictures.get(unit) != picture
        }
        self._pictures.update(new)
        for unit in new:
            self._tiles.forget(unit)
        if new and self._kind is not Kind.PHOTO:
            self._mosaics.change(self.selection.place_of(unit) for unit in new)

    def _hang(self, order: Sequence[int] | None) -> None:
        """Draw the wall anew, in another order or in the same."""
        if order is None and self._hanging is None:
            return
        if order is None and self._hanging is not None:
            order = self._hanging.order
        if not order:
            self._hanging = None
        else:
            columns, palette = columns_of(len(order)), self.palette()
            background, empty = palette.color(QPalette.ColorRole.Window), palette.color(QPalette.ColorRole.Base)
            self._hanging = Hanging(order, columns, self._kind, background.rgb(), empty.rgb())
            self.selection.arrange(order, columns)
        self._mosaics.hang(self._hanging, self._tiles)
        self.update()

    def is_empty(self, unit: int) -> bool:
        """Whether nothing is known to show of a unit."""
        has_photo = self._source is not None and self._kind is not Kind.PICTURE
        return not has_photo and (self._kind is Kind.PHOTO or unit not in self._pictures)

    def picture_of(self, unit: int) -> Picture | None:
        """The rendered picture of a unit; None if there is none."""
        return self._pictures.get(unit)

    # Where it is looked at from

    @property
    def stage(self) -> Stage:
        """The wall and the view of it."""
        hanging = self._hanging
        columns, rows = (1, 1) if hanging is None else (hanging.columns, hanging.rows)
        return Stage(self.width(), self.height(), columns, rows)

    @property
    def side(self) -> float:
        """Side of a cell where the view is going, in pixels; 0 if it sees the whole wall there."""
        return 0 if self._all else self._goal.side

    @property
    def goal(self) -> Camera:
        """Where the view is going; where it is, if it is not on its way."""
        return self._goal

    def look_at(self, camera: Camera, *, at_once: bool = False) -> None:
        """Look at the wall from elsewhere.

        Args:
            camera: From where.
            at_once: Whether not to glide there.
        """
        stage, before = self.stage, self.side
        self._start, self._goal = self.camera, camera.bounded(stage)
        self._all = self._goal.sees_all(stage)
        self._glide.stop()
        if at_once or not self.glide_ms or not self.isVisible():
            self._glided(1.0)
        elif self._goal != self.camera:
            self._glide.setDuration(self.glide_ms)
            self._glide.start()
        if self.side != before:
            self.side_changed.emit(self.side)

    def look_from(self, side: float) -> None:
        """Look at the wall with cells of a side, in pixels; from where all of it is seen with 0."""
        if side <= 0:
            self.look_at(Camera.of_all(self.stage), at_once=True)
        else:
            self._all = False
            self.look_at(Camera(self._goal.x, self._goal.y, side), at_once=True)

    def _glided(self, share: float) -> None:
        self.camera = self._start.toward(self._goal, share)
        self.update()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        goal = Camera.of_all(self.stage) if self._all else self._goal
        everything = self._all
        self.look_at(goal, at_once=True)
        # A view that grows may come to see all of the wall, which is not what the user has asked for.
        self._all = everything

    # What is selected

    def unit_at(self, point: QPointF) -> int | None:
        """The unit at a point of the view."""
        column, row = self.camera.cell_at(point.x(), point.y(), self.stage)
        hanging = self._hanging
        if hanging is None or not 0 <= column < hanging.columns or row < 0:
            return None
        place = int(row) * hanging.columns + int(column)
        return hanging.order[place] if place < len(hanging.order) else None

    def frame_of(self, unit: int) -> QRectF:
        """Where a unit's cell is in the view."""
        column, row = self._cell_of(unit)
        left, top = self.camera.point_of(column, row, self.stage)
        return QRectF(left, top, self.camera.side, self.camera.side)

    def _cell_of(self, unit: int) -> tuple[int, int]:
        place = self.selection.place_of(unit)
        return place % self.stage.columns, place // self.stage.columns

    def reveal(self, unit: int) -> None:
        """Move the view as little as is needed to see a unit."""
        if self._hanging is not None:
            self.look_at(self._goal.showing(*self._cell_of(unit), self.stage))

    def show_alone(self, unit: int) -> None:
        """Show a unit as large as it can be."""
        if self._hanging is not None:
            self.look_at(Camera.of_one(*self._cell_of(unit), self.stage))

    def choose(self, unit: int, *, toggle: bool = False, extend: bool = False, stay: bool = False) -> None:
        """Select a unit, as `Selection.choose` does.

        Args:
            unit: The unit.
            toggle: Select it beside the others, or no longer.
            extend: Select all from where the range begins.
            stay: Whether the view stays where it is, as under the mouse.
        """
        self.selection.choose(unit, toggle=toggle, extend=extend)
        if not stay:
            self.reveal(unit)
        self.update()
        self.current_changed.emit(unit)
        self.selection_changed.emit()

    def go_to(self, unit: int) -> None:
        """Move the cursor without selecting anything."""
        self.selection.go_to(unit)
        self.reveal(unit)
        self.update()
        self.current_changed.emit(unit)

    def choose_all(self, units: Iterable[int]) -> None:
        """Select these units and no others."""
        self.selection.choose_all(units)
        self.update()
        self.selection_changed.emit()

    def choose_box(self, band: QRectF | None, beside: Iterable[int] = ()) -> None:
        """Select the units that a rectangle of the view touches, which is drawn until it is None."""
        self._band = band
        if band is not None:
            left, top = self.camera.cell_at(band.left(), band.top(), self.stage)
            right, bottom = self.camera.cell_at(band.right(), band.bottom(), self.stage)
            self.selection.choose_box(left, top, right, bottom, beside)
            self.selection_changed.emit()
        self.update()

    # Drawing

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._hang(None)
        elif event.type() is QEvent.Type.FontChange:
            self._texts.clear()

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        painter, stage = QPainter(self), self.stage
        painter.fillRect(self.rect(), self.palette().color(QPalette.ColorRole.Window))
        hanging = self._hanging
        if hanging is None:
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self.is_drawn = self._mosaics.paint(painter, self.camera, stage, self.devicePixelRatioF())
        overlay = Overlay(self.palette(), self.fontMetrics(), self.camera, stage)
        words = _NOBODY if self._source is None else self._source.words
        any_empty = self._source is None or self._kind is Kind.PICTURE
        overlay.captions(painter, hanging, words, self.name, self.is_empty, any_empty, self._texts)
        overlay.selected(painter, hanging, self.selection)
        if self.hasFocus() and self.selection.current is not None:
            overlay.cursor(painter, self.selection.place_of(self.selection.current))
        if self._band is not None:
            overlay.band(painter, self._band)
        painter.end()
