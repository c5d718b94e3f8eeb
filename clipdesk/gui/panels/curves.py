"""The curves: activation over steps, one for each picture in its tile's colour; below, the regularisers' penalties."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QTimer, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QStackedLayout, QToolBar, QVBoxLayout, QWidget

from clipdesk.gui.actions import fill_bar, make_action
from clipdesk.gui.differences import labels_of
from clipdesk.gui.plain import plain_label
from clipdesk.gui.tracks import Held

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clipdesk.gui.panels.plots import Plots
    from clipdesk.gui.tracks import Track

_MOST_HELD = 32
_REFRESH_MS = 100
"""Curves are drawn ten times a second: nobody sees more of lines that grow at one end."""


class CurvesPanel(QWidget):
    """Plots of the shown pictures' activations and regularisers, with curves of earlier runs held behind them.

    Signals:
        hovered: The `Track` whose curve the user points at, or None.
    """

    hovered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tracks: list[Track] = []
        self.held: list[Held] = []
        self._iterations = 1
        self._step = 0
        self._made: Plots | None = None
        self._readout = plain_label()
        self._readout.setMargin(4)
        # Long names do not make the panel wider.
        self._readout.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._make_actions()
        hint = plain_label("The activation at each step appears here", centered=True)
        hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        area = QWidget()
        self._pages = QStackedLayout(area)
        self._pages.addWidget(hint)
        bar = QToolBar()
        fill_bar(bar, self.actions_shown)
        top = QHBoxLayout()
        top.addWidget(bar)
        top.addWidget(self._readout, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(area, 1)
        self._update_actions()
        self._timer = QTimer(self, interval=_REFRESH_MS, singleShot=True)
        self._timer.timeout.connect(self._draw)

    def _make_actions(self) -> None:
        tip = "Keep these curves as dashed lines behind those of the next run"
        self.hold_action = make_action(self, "Hold curves", "pin_outline", "Ctrl+H", tip)
        self.hold_action.triggered.connect(self.hold)
        self.drop_action = make_action(self, "Drop held curves", "pin_off_outline", "Ctrl+Shift+H")
        self.drop_action.triggered.connect(self.drop)
        self.log_action = make_action(
            self, "Logarithmic activation", "chart_bell_curve_cumulative", "Ctrl+L", checkable=True
        )
        self.log_action.toggled.connect(lambda log: self.plots.set_log(log))
        self.csv_action = make_action(self, "Export curves as CSV …", "file_delimited_outline", "Ctrl+E")
        self.png_action = make_action(self, "Export curves as PNG …", "image_outline", "Ctrl+Shift+E")
        self.actions_shown = [self.hold_action, self.drop_action, self.log_action, self.csv_action, self.png_action]

    @property
    def plots(self) -> Plots:
        """The plots; made at the first call, which takes half a second."""
        if self._made is None:
            from clipdesk.gui.panels.plots import Plots

            self._made = Plots()
            self._made.pointed.connect(self._readout.setText)
            self._made.hovered.connect(self.hovered)
            self._pages.addWidget(self._made)
        return self._made

    def prepare(self) -> None:
        """Make the plots now, so that the first run does not wait for them."""
        _ = self.plots

    def show_tracks(self, tracks: Sequence[Track], iterations: int) -> None:
        """Plot these tracks, and `refresh` them from now on."""
        self.tracks, self._iterations = list(tracks), iterations
        self.plots.show_tracks(self.tracks, self.held, iterations)
        self.plots.mark(self._step)
        self._pages.setCurrentIndex(1)
        self._update_actions()

    def show_compared(self, tracks: list[Track]) -> None:
        """Plot these instead, over as many steps, once there are plots."""
        if self._made is not None:
            self.show_tracks(tracks, self._iterations)

    @Slot(object)
    def highlight(self, track: Track | None) -> None:
        """Make one picture's curves stand out, or none, as one that the mouse is over on the canvas."""
        if self._made is not None:
            self._made.highlight(track)

    def show_alone(self, tracks: Sequence[Track]) -> None:
        """Make the curves of pictures stand out that are shown alone."""
        if self._made is not None:
            self._made.show_alone(tracks)

    @Slot(int)
    def mark(self, step: int) -> None:
        """Mark the step that the canvas shows; 0 for none."""
        if step != self._step:
            self._step = step
            if self._made is not None:
                self.refresh()

    def refresh(self) -> None:
        """Draw what is new in the tracks soon."""
        if not self._timer.isActive():
            self._timer.start()

    def _draw(self) -> None:
        self.plots.draw()
        self.plots.mark(self._step)
        self._update_actions()

    # What can be done

    def hold(self) -> None:
        """Keep the curves for comparison with later ones."""
        new = [Held(track.label, track.hue, track.curve.values) for track in self.tracks if len(track.curve)]
        self.held = [*self.held, *new][-_MOST_HELD:]
        self._update_actions()

    def drop(self) -> None:
        """Remove the held curves."""
        self.held = []
        self.show_tracks(self.tracks, max(1, self.step_count))

    def csv(self) -> str:
        """All curves as a table."""
        from clipdesk.export.curves import curves_csv

        curves: dict[str, NDArray[np.float32]] = {}
        for track, label in zip(self.tracks, labels_of(self.tracks), strict=True):
            # No two pictures may share a column.
            name = next(name for name in _numbered(label) if name not in curves)
            curves[name] = track.curve.values
        for name, track in zip(list(curves), self.tracks, strict=True):
            curves |= {f"{name}, {penalty}": series.values for penalty, series in track.penalties.items()}
        curves |= {f"{held.label} (held {i + 1})": held.values for i, held in enumerate(self.held)}
        return curves_csv({label: values.tolist() for label, values in curves.items()})

    def png(self) -> bytes:
        """The plots as they are seen, as a PNG."""
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self.plots.grab().save(buffer, "PNG")
        return bytes(buffer.data().data())

    @property
    def step_count(self) -> int:
        """How many steps are drawn."""
        return max((len(track.curve) for track in self.tracks), default=0)

    @property
    def readout(self) -> str:
        """The values under the crosshair."""
        return self._readout.text()

    def _update_actions(self) -> None:
        drawn = any(len(track.curve) for track in self.tracks)
        for action in (self.hold_action, self.csv_action, self.png_action):
            action.setEnabled(drawn)
        self.drop_action.setEnabled(bool(self.held))


def _numbered(label: str) -> Iterator[str]:
    yield label
    for count in itertools.count(2):
        yield f"{label} ({count})"
