"""The window's layout: the docks around the centre, as they stand at a first start, and where the keyboard can go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QTabBar, QWidget

from clipdesk.gui.center import Center

_LEFT, _RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
_BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
_AREAS = {
    "Architecture": _LEFT,
    "Neurons": _LEFT,
    "Parameters": _RIGHT,
    "Queue": _RIGHT,
    "Curves": _BOTTOM,
    "Log": _BOTTOM,
}

_SIZE = QSize(1480, 940)
_FRAME = QSize(16, 48)
"""Room for what the desktop draws around a window: its title and its borders."""


def first_size(available: QSize) -> QSize:
    """The size of the window at a first start.

    Args:
        available: The size of the screen without the desktop's own bars.

    Returns:
        A size that fits the screen with the window's frame.
    """
    return _SIZE.boundedTo(available - _FRAME)


class Place(NamedTuple):
    """Where the keyboard can go.

    Attributes:
        widget: Gets the keyboard.
        panel: What it is part of.
        show: Brings the panel to the front.
    """

    widget: QWidget
    panel: QWidget
    show: Callable[[], None]


def make_docks(window: QMainWindow, panels: Mapping[str, QWidget]) -> dict[str, QDockWidget]:
    """Put each panel into a dock of its own, which has the panel's title and is known by it in saved layouts.

    Args:
        window: Gets the docks.
        panels: The panels by title.

    Returns:
        The docks by title.
    """
    window.setDockNestingEnabled(True)
    docks = {}
    for title, panel in panels.items():
        dock = QDockWidget(title, window)
        dock.setObjectName(title)
        dock.setWidget(panel)
        window.addDockWidget(_AREAS[title], dock)
        docks[title] = dock
    window.setCorner(Qt.Corner.BottomLeftCorner, _LEFT)
    window.setCorner(Qt.Corner.BottomRightCorner, _RIGHT)
    return docks


def arrange_docks(window: QMainWindow, docks: Mapping[str, QDockWidget]) -> None:
    """Give a window the layout of a first start, which Reset layout brings back."""
    window.tabifyDockWidget(docks["Curves"], docks["Log"])
    docks["Curves"].raise_()
    for tabs in window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
        tabs.setAccessibleName("Panels below the canvas")
    unit = window.fontMetrics().averageCharWidth()
    window.resizeDocks([docks["Architecture"], docks["Parameters"]], [76 * unit, 56 * unit], Qt.Orientation.Horizontal)
    window.resizeDocks([docks["Architecture"], docks["Neurons"]], [400, 440], Qt.Orientation.Vertical)
    window.resizeDocks([docks["Parameters"], docks["Queue"]], [600, 240], Qt.Orientation.Vertical)
    window.resizeDocks([docks["Curves"]], [250], Qt.Orientation.Vertical)


def show_dock(dock: QDockWidget) -> None:
    """Show a dock in front of those that share its place."""
    dock.show()
    dock.raise_()


def places_of(widgets: Mapping[str, QWidget], docks: Mapping[str, QDockWidget], center: Center) -> dict[str, Place]:
    """The places of widgets, by the name of the dock or of the centre's mode that each is part of."""
    places = {}
    for name, widget in widgets.items():
        if name in docks:
            places[name] = Place(widget, docks[name], partial(show_dock, docks[name]))
        else:
            places[name] = Place(widget, center.modes[name], partial(center.show_mode, name))
    return places
