"""The strip below the canvas: a slider through the kept steps of its pictures, which can be played."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from clipdesk.gui.actions import action_button, make_action
from clipdesk.gui.panels.sliders import Slider
from clipdesk.gui.plain import plain_label

_PLAY_INTERVAL = 60


class StepStrip(QWidget):
    """A slider whose ticks are steps, at its end the newest.

    Signals:
        moved: The user looks at another step.
    """

    moved = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[int] = []
        self.play_action = make_action(self, "Play steps", "play", "Ctrl+Space")
        self.play_action.triggered.connect(self.play)
        self.play_button = action_button(self.play_action)
        self.slider = Slider()
        self.slider.setAccessibleName("Step")
        self.slider.setToolTip("Go back through the kept steps of this run")
        self.slider.valueChanged.connect(self.moved)
        self.label = plain_label()
        self.label.setMinimumWidth(self.fontMetrics().horizontalAdvance("step 5000 of 5000"))
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 4)
        row.addWidget(self.play_button)
        row.addWidget(self.slider, 1)
        row.addWidget(self.label)
        self._player = QTimer(self, interval=_PLAY_INTERVAL)
        self._player.timeout.connect(self._play_on)

    @property
    def step(self) -> int | None:
        """The step that is looked at; None for the newest."""
        at = self.slider.value()
        return None if at >= self.slider.maximum() or at >= len(self._steps) else self._steps[at]

    @property
    def last(self) -> int:
        """The newest step; 0 if there is none."""
        return self._steps[-1] if self._steps else 0

    def begin(self) -> None:
        """Go to the newest step, as other pictures are shown."""
        self._player.stop()
        self._steps = []
        self.slider.blockSignals(True)
        self.slider.setValue(self.slider.maximum())
        self.slider.blockSignals(False)

    def show_steps(self, steps: Sequence[int]) -> None:
        """Offer these steps; who looks at the newest one looks at it from now on, who looks at another stays there."""
        if steps != self._steps:
            step = self.step
            self._steps = list(steps)
            at = len(steps) - 1 if step is None else max((i for i, one in enumerate(steps) if one <= step), default=0)
            self.slider.blockSignals(True)
            self.slider.setMaximum(max(0, len(steps) - 1))
            self.slider.setValue(at)
            self.slider.blockSignals(False)
        self.setEnabled(len(self._steps) > 1)
        self.label.setText(f"step {self.last}" if self.step is None else f"step {self.step} of {self.last}")

    def play(self) -> None:
        """Play the kept steps from the start, or stop playing."""
        if self._player.isActive():
            self._player.stop()
            return
        if self.slider.value() == self.slider.maximum():
            self.slider.setValue(0)
        self._player.start()

    def _play_on(self) -> None:
        self.slider.setValue(self.slider.value() + 1)
        if self.slider.value() >= self.slider.maximum():
            self._player.stop()
