"""The colours in which a run's pictures are told apart, on the canvas and in the plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    from clipdesk.gui.tracks import Track


def track_color(track: Track) -> QColor:
    """A track's colour in tiles and curves, readable on light and dark; grey for one that others are compared with."""
    return QColor.fromHsv(track.hue, 0 if track.compared else 170, 150 if track.compared else 205)


def faded_color(hue: int) -> QColor:
    """The colour of a curve that is held behind newer ones, for a hue of 0 to 359."""
    return QColor.fromHsv(hue, 70, 165)
