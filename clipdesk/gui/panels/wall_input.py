"""The wall in the user's hands: mouse, wheel, pinch and keys."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QHelpEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QApplication, QGestureEvent, QPinchGesture, QToolTip
from typing_extensions import override

from clipdesk.gui.panels.wall_view import WallView
from clipdesk.gui.plain import plain_tip
from clipdesk.gui.wall.camera import Camera

STEP = 1.4
"""How much nearer a key brings the wall."""
_WHEEL = 360.0
"""Eighths of a degree that the wheel is turned to double the size; a notch is 120."""
_Key, _Button, _Modifier = Qt.Key, Qt.MouseButton, Qt.KeyboardModifier


class WallInput(WallView):
    """A wall that can be moved and selected from.

    The wheel and a pinch zoom. The middle button, or the left one with the space bar, moves the wall. A click selects,
    with Ctrl and Shift as everywhere, and a drag selects what it goes around.

    Args:
        describe: Says in a few lines what is known of a unit.

    Signals:
        chosen: A unit that the user wants to look into.
    """

    chosen = Signal(int)

    def __init__(self, describe: Callable[[int], str] = str) -> None:
        super().__init__()
        self._describe = describe
        self._held: QPointF | None = None
        self._pressed: QPointF | None = None
        self._beside: frozenset[int] = frozenset()
        self._banding = self._space = self._moved_by_space = False
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.grabGesture(Qt.GestureType.PinchGesture)

    def zoom(self, factor: float, at: QPointF | None = None, *, at_once: bool = False) -> None:
        """Zoom about a point of the view, or its middle."""
        point = at or QPointF(self.width() / 2, self.height() / 2)
        if self.hanging is not None:
            self.look_at(self.goal.zoomed(factor, (point.x(), point.y()), self.stage), at_once=at_once)

    def zoom_in(self) -> None:
        """Zoom in about the current unit, which comes to be seen."""
        self._zoom_about_current(STEP)

    def zoom_out(self) -> None:
        """Zoom out."""
        self._zoom_about_current(1 / STEP)

    def zoom_to_all(self) -> None:
        """See the whole wall."""
        self.look_at(Camera.of_all(self.stage))

    def _zoom_about_current(self, factor: float) -> None:
        unit = self.selection.current
        if unit is None or self.hanging is None:
            return
        place = self.selection.place_of(unit)
        row, column = divmod(place, self.hanging.columns)
        nearer = self.goal.zoomed(factor, self.goal.point_of(column + 0.5, row + 0.5, self.stage), self.stage)
        self.look_at(nearer.showing(column, row, self.stage))

    # Wheel and fingers

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta().y()
        if turned:
            self.zoom(2 ** (turned / _WHEEL), event.position())
        event.accept()

    @override
    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and event.gestureType() is Qt.NativeGestureType.ZoomNativeGesture:
            self.zoom(1 + event.value(), event.position(), at_once=True)
            return True
        if isinstance(event, QGestureEvent):
            gesture = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(gesture, QPinchGesture):
                self._pinch(gesture)
                return True
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            unit = self.unit_at(QPointF(event.pos()))
            QToolTip.showText(
                event.globalPos(), "" if unit is None else plain_tip(self._describe(unit), wrap=True), self
            )
            return True
        return super().event(event)

    def _pinch(self, gesture: QPinchGesture) -> None:
        moved = gesture.centerPoint() - gesture.lastCenterPoint()
        self.look_at(self.goal.moved(moved.x(), moved.y(), self.stage), at_once=True)
        at = self.mapFromGlobal(gesture.centerPoint())
        self.zoom(gesture.scaleFactor(), at, at_once=True)

    # Mouse

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        point, button = event.position(), event.button()
        if button is _Button.MiddleButton or (button is _Button.LeftButton and self._space):
            self._held = point
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif button is _Button.LeftButton:
            self._press(point, event.modifiers())
        elif button is _Button.RightButton:
            unit = self.unit_at(point)
            # The menu that comes is about what is selected.
            if unit is not None and unit not in self.selection.chosen:
                self.choose(unit, stay=True)

    def _press(self, point: QPointF, modifiers: Qt.KeyboardModifier) -> None:
        toggle, extend = bool(modifiers & _Modifier.ControlModifier), bool(modifiers & _Modifier.ShiftModifier)
        self._pressed = point
        self._beside = frozenset(self.selection.chosen) if toggle or extend else frozenset()
        unit = self.unit_at(point)
        if unit is not None:
            self.choose(unit, toggle=toggle, extend=extend, stay=True)
        elif not toggle and not extend:
            self.choose_all(())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._held is not None:
            moved = point - self._held
            self._held, self._moved_by_space = point, True
            self.look_at(self.goal.moved(moved.x(), moved.y(), self.stage), at_once=True)
        elif self._pressed is not None:
            far = (point - self._pressed).manhattanLength() >= QApplication.startDragDistance()
            self._banding = self._banding or far
            if self._banding:
                self.choose_box(QRectF(self._pressed, point).normalized(), self._beside)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._banding:
            self.choose_box(None)
        self._held = self._pressed = None
        self._banding = False
        self.unsetCursor()

    @override
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        unit = self.unit_at(event.position())
        if event.button() is _Button.LeftButton and unit is not None:
            self.chosen.emit(unit)

    # Keys

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self.hanging is None or not self._pressed_key(event):
            super().keyPressEvent(event)

    def _pressed_key(self, event: QKeyEvent) -> bool:
        """Do what a key is for; False if it is for nothing here."""
        key = _Key(event.key())
        place = self._place_after(key)
        if place is not None:
            self._go(place, event.modifiers())
        elif key is _Key.Key_Space:
            if not event.isAutoRepeat():
                self._space, self._moved_by_space = True, False
        elif key is _Key.Key_A and event.modifiers() & _Modifier.ControlModifier:
            self.choose_all(self.hanging.order if self.hanging else ())
        elif key is _Key.Key_Escape and self.selection.chosen:
            self.choose_all(())
        else:
            return False
        return True

    @override
    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if _Key(event.key()) is not _Key.Key_Space or event.isAutoRepeat():
            super().keyReleaseEvent(event)
            return
        unit = self.selection.current
        if self._space and not self._moved_by_space and unit is not None:
            toggle = bool(event.modifiers() & _Modifier.ControlModifier)
            self.choose(unit, toggle=toggle)
        self._space = False

    def _place_after(self, key: Qt.Key) -> int | None:
        """Where a key moves the cursor; None if it moves nothing."""
        unit, hanging = self.selection.current, self.hanging
        if unit is None or hanging is None:
            return None
        place, last, columns = self.selection.place_of(unit), len(hanging.order) - 1, hanging.columns
        page = max(1, int(self.height() / self.goal.side) - 1) * columns
        places = {
            _Key.Key_Left: max(0, place - 1),
            _Key.Key_Right: min(last, place + 1),
            _Key.Key_Up: place - columns if place >= columns else place,
            _Key.Key_Down: min(place + columns, last) if place // columns < last // columns else place,
            _Key.Key_Home: 0,
            _Key.Key_End: last,
            _Key.Key_PageUp: place - min(page, place // columns * columns),
            _Key.Key_PageDown: min(last, place + min(page, (last // columns - place // columns) * columns)),
        }
        return places.get(key)

    def _go(self, place: int, modifiers: Qt.KeyboardModifier) -> None:
        hanging = self.hanging
        if hanging is None:
            return
        unit = hanging.order[place]
        if modifiers & _Modifier.ShiftModifier:
            self.choose(unit, extend=True, toggle=bool(modifiers & _Modifier.ControlModifier))
        elif modifiers & _Modifier.ControlModifier:
            self.go_to(unit)
        else:
            self.choose(unit)
