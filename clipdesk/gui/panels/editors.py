"""An editor for each kind of setting, built from what RenderSettings says of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from PySide6.QtCore import QLocale, QSize, Qt, Signal
from PySide6.QtGui import QPalette, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)
from typing_extensions import override

from clipdesk.gui.icons import icon
from clipdesk.gui.panels.sliders import Slider
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.theme import error_color
from clipdesk.render.settings import RenderSettings, knob, limits

_TICKS = 1000
_ANY = 1e10
_ARROWS = 34
_TYPICAL = "0.05 of range"
_TO = "\N{EN DASH}"
_ANOTHER = "A file \N{HORIZONTAL ELLIPSIS}"
DEVICES = ("auto", "cpu")


class NumberBox(QDoubleSpinBox):
    """A spin box that lets a wrong number stand, so that it can be marked instead of silently changed.

    Args:
        low: Smallest right value.
        high: Largest right value.
        step: What an arrow adds.
        decimals: Most digits behind the point.
        unset: What is shown for 0, where it stands for "not set"; empty where it does not.
        unit: What is shown behind the number; a leading ± before it.
    """

    def __init__(self, low: float, high: float, step: float, decimals: int, unset: str, unit: str) -> None:
        super().__init__()
        self.low = low
        self.high = high
        self.optional = bool(unset)
        self._unset = unset
        self._unit = unit
        if unit.startswith("±"):
            self.setPrefix("± ")
        self.setLocale(QLocale.c())
        self.setDecimals(decimals)
        self.setRange(-_ANY, _ANY)
        self.setSingleStep(step)
        if unset:
            self.valueChanged.connect(self._show_unit)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._show_unit()

    @override
    def sizeHint(self) -> QSize:
        """As wide as the widest right value needs; Qt would make room for what is far out of range."""
        texts = [f"{self.prefix()}{self.textFromValue(value)} {self._unit}" for value in (self.low, self.high)]
        wide = max(self.fontMetrics().horizontalAdvance(text) for text in (*texts, _TYPICAL))
        return QSize(wide + _ARROWS, super().sizeHint().height())

    @override
    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def show_unset(self, text: str) -> None:
        """Show another text for 0, where it stands for "not set"."""
        self._unset = text
        # Only another value is written anew.
        self.lineEdit().setText(self.textFromValue(self.value()) + self.suffix())

    def _show_unit(self) -> None:
        """A value that is not set has no unit."""
        unit = "" if self.optional and self.value() == 0 else self._unit.removeprefix("±").strip()
        self.setSuffix(unit if unit == "°" else f" {unit}" if unit else "")

    @property
    def right(self) -> bool:
        """Whether the value is in its range."""
        return (self.optional and self.value() == 0) or self.low <= self.value() <= self.high

    @override
    def textFromValue(self, value: float) -> str:
        if self.optional and value == 0:
            return self._unset
        return f"{value:.{self.decimals()}f}".rstrip("0").rstrip(".") if self.decimals() else f"{value:.0f}"

    @override
    def valueFromText(self, text: str) -> float:
        number = text.removeprefix(self.prefix()).removesuffix(self.suffix()).strip()
        try:
            return float(number)
        except ValueError:
            return 0.0 if self.optional else self.value()

    @override
    def validate(self, text: str, pos: int) -> tuple[QValidator.State, str, int]:
        number = text.removeprefix(self.prefix()).removesuffix(self.suffix()).strip()
        try:
            float(number)
        except ValueError:
            if self.optional and self._unset.startswith(number):
                whole = number == self._unset
                return QValidator.State.Acceptable if whole else QValidator.State.Intermediate, text, pos
            begun = number in ("", "-", ".") or number.lower().rstrip("+-").endswith("e")
            return QValidator.State.Intermediate if begun else QValidator.State.Invalid, text, pos
        return QValidator.State.Acceptable, text, pos

    @override
    def stepBy(self, steps: int) -> None:
        """Arrows keep to the range; below its lower end an optional value is not set."""
        value = self.value() + steps * self.singleStep()
        if self.optional and value < self.low:
            self.setValue(0 if steps < 0 else self.low)
        else:
            self.setValue(min(max(value, self.low), self.high))

    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        """Only where it has the focus: a panel is scrolled far more often than a value is turned."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class _Choice(QComboBox):
    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class _Slider(Slider):
    @override
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class SettingRow(QWidget):
    """One setting: its name, a slider where it is a number, its value, a way back, and what is wrong with it.

    Signals:
        changed: The value is another one.
    """

    changed = Signal()

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name
        self.label = plain_label(knob(name).label)
        self.box: NumberBox | None = None
        self.choice: QComboBox | None = None
        self.slider: QSlider | None = None
        self._reference: Any = None
        self._exact: float | None = None
        self._chosen: Any = RenderSettings.model_fields[name].default
        self.reset = QToolButton(autoRaise=True)
        self.reset.setIcon(icon("restore"))
        self.reset.setAccessibleName(f"Reset {knob(name).label}")
        self.reset.setToolTip("Set back to the preset's value")
        self.reset.clicked.connect(lambda: self.set_value(self._reference))
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)
        # In the slider's place: below it, it would move all other rows while the user edits.
        self._complaint = plain_label()
        self._complaint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self._complaint.hide()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._complaint, 1)
        self._add_editor(row)
        row.addWidget(self.reset)
        for widget in (self.editor, self.label, *([self.slider] if self.slider else [])):
            widget.setToolTip(self.help)
        self.editor.setAccessibleName(knob(name).label)
        self.editor.setAccessibleDescription(self.help)
        self.label.setBuddy(self.editor)

    @property
    def editor(self) -> QWidget:
        """The widget that holds the value."""
        widget = self.box or self.choice
        if widget is None:
            raise TypeError(self.name)
        return widget

    @property
    def help(self) -> str:
        """What the setting does, and its range."""
        description = RenderSettings.model_fields[self.name].description or ""
        bounds = limits(self.name)
        ends = f"\n{bounds[0]:g} to {bounds[1]:g} {knob(self.name).unit}".rstrip() if bounds else ""
        return f"{description[:1].upper()}{description[1:]}.{ends}"

    def _add_editor(self, row: QHBoxLayout) -> None:
        field, bounds, shown = RenderSettings.model_fields[self.name], limits(self.name), knob(self.name)
        if bounds is None:
            self.choice = _Choice()
            literal = get_origin(field.annotation) is Literal
            for choice in map(str, get_args(field.annotation) if literal else shown.choices or DEVICES):
                self.choice.addItem(choice, choice)
            if shown.files:
                self.choice.addItem(_ANOTHER, _ANOTHER)
                self.choice.textActivated.connect(self._choose_file)
            self.choice.currentIndexChanged.connect(self._edited)
            row.addWidget(self.choice, 1)
            return
        whole = field.annotation in (int, int | None)
        decimals = 0 if whole else 4 if shown.step < 0.01 else 2 if shown.step < 1 else 1
        self.box = NumberBox(*bounds, shown.step, decimals, unset=shown.unset, unit=shown.unit)
        self.box.valueChanged.connect(self._edited)
        self.slider = _Slider()
        self.slider.setMaximum(_TICKS)
        self.slider.setAccessibleName(f"{shown.label} slider")
        self.slider.setMinimumWidth(48)
        self.slider.valueChanged.connect(self._slid)
        row.addWidget(self.slider, 1)
        row.addWidget(self.box)

    # The value

    def value(self) -> Any:  # noqa: ANN401 - the type is the setting's
        """The value as RenderSettings takes it; it may be out of range."""
        if self.box is None:
            return self.choice.currentData() if self.choice else None
        if self.box.optional and self.box.value() == 0:
            return None
        shown = round(self.box.value()) if not self.box.decimals() else round(self.box.value(), 6)
        # The box rounds: 6 of 128 is shown as 0.05, and stays what it is until another value is chosen.
        exact = self._exact
        return exact if exact is not None and round(exact, self.box.decimals()) == shown else shown

    def set_value(self, value: Any) -> None:  # noqa: ANN401
        """Show a value."""
        if self.choice is not None:
            if self.choice.findData(str(value)) < 0:
                # A file is shown by its name, and its folder when the mouse rests on it.
                self.choice.insertItem(0, Path(str(value)).name, str(value))
                self.choice.setItemData(0, plain_tip(str(value)), Qt.ItemDataRole.ToolTipRole)
            self.choice.setCurrentIndex(self.choice.findData(str(value)))
        elif self.box is not None:
            self._exact = None if value is None or not self.box.decimals() else float(value)
            self.box.setValue(0 if value is None else float(value))

    def _choose_file(self, text: str) -> None:
        """Ask for a file, where the last choice was that; without one, all is as it was."""
        if text != _ANOTHER:
            return
        path, _ = QFileDialog.getOpenFileName(self, knob(self.name).label, "", knob(self.name).files)
        self.set_value(path or self._chosen)

    def set_reference(self, value: Any) -> None:  # noqa: ANN401
        """Say what Reset goes back to."""
        self._reference = value
        self._mark()

    @property
    def complaint(self) -> str:
        """What is wrong with the value; empty if it is right."""
        if self.box is None or self.box.right:
            return ""
        return f"{knob(self.name).label} must be from {self.box.low:g} to {self.box.high:g}"

    def _edited(self) -> None:
        if self.choice is not None:
            if self.value() == _ANOTHER:
                return
            self._chosen = self.value()
        if self.slider is not None and self.box is not None:
            self.slider.blockSignals(True)
            self.slider.setValue(round(_TICKS * self._share(self.box.value())))
            self.slider.blockSignals(False)
        self._mark()
        self.changed.emit()

    def _mark(self) -> None:
        """Mark a wrong value in its place, and show the way back where there is one to go."""
        self.reset.setVisible(self.value() != self._reference)
        complaint = self.complaint
        if self.box is None or self.slider is None:
            return
        self._complaint.setText(f"{self.box.low:g}{_TO}{self.box.high:g}" if complaint else "")
        self._complaint.setToolTip(complaint)
        self._complaint.setVisible(bool(complaint))
        self.slider.setVisible(not complaint)
        palette = self.palette()
        if complaint:
            wrong = error_color(palette)
            palette.setColor(QPalette.ColorRole.Text, wrong)
            palette.setColor(QPalette.ColorRole.WindowText, wrong)
            self._complaint.setPalette(palette)
            self.box.setPalette(palette)
        else:
            self.box.setPalette(QPalette())

    # The slider: a share of the usual range, of its orders of magnitude where it is logarithmic

    def _range(self) -> tuple[float, float]:
        bounds = limits(self.name)
        return knob(self.name).usual or bounds or (0.0, 1.0)

    def _share(self, value: float) -> float:
        low, high = self._range()
        value = min(max(value, low), high)
        if knob(self.name).log:
            return math.log(value / low) / math.log(high / low)
        return (value - low) / (high - low)

    def _slid(self, tick: int) -> None:
        low, high = self._range()
        share = tick / _TICKS
        value = low * (high / low) ** share if knob(self.name).log else low + share * (high - low)
        if self.box is not None:
            step = min(self.box.singleStep(), 10 ** math.floor(math.log10(value)) / 10 if value > 0 else math.inf)
            value = round(value / step) * step if self.box.decimals() else round(value)
            self.box.setValue(value)
