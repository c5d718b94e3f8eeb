"""The parameter panel, built from RenderSettings. It shows values and owns none."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QFrame,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from clipdesk.render.settings import DEFAULT_PRESET, MAX_SEED, PRESETS, RenderSettings, knob, limits, make_settings

_DEVICES = ("auto", "cpu", "cuda", "mps")
_OWN = "own"

Editor = QSpinBox | QDoubleSpinBox | QComboBox


class ParametersPanel(QWidget):
    """A preset and an editor for every setting.

    Signals:
        changed: A value was changed.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.preset = QComboBox()
        self.preset.setAccessibleName("Preset")
        self.preset.addItems(list(PRESETS))
        self._source = QLabel(wordWrap=True)
        self._source.setEnabled(False)
        self.editors: dict[str, Editor] = {name: _editor(name) for name in RenderSettings.model_fields}
        reset = QPushButton("Reset to preset")
        reset.clicked.connect(lambda: self.show_preset(self.preset.currentText()))

        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Preset", self.preset)
        form.addRow(self._source)
        for name, editor in self.editors.items():
            label = QLabel(knob(name).label)
            label.setToolTip(editor.toolTip())
            label.setBuddy(editor)
            form.addRow(label, editor)
        form.addRow(reset)
        inner = QWidget()
        inner.setLayout(form)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        area.setMinimumWidth(inner.minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

        self.show_preset(DEFAULT_PRESET)
        self.preset.currentTextChanged.connect(self.show_preset)
        for editor in self.editors.values():
            signal = editor.currentTextChanged if isinstance(editor, QComboBox) else editor.valueChanged
            signal.connect(self._edited)

    def settings(self) -> RenderSettings:
        """The settings that the editors show."""
        return make_settings(**{name: _value(name, editor) for name, editor in self.editors.items()})

    def show_settings(self, settings: RenderSettings) -> None:
        """Show settings in the editors."""
        for name, editor in self.editors.items():
            editor.blockSignals(True)
            _show(editor, getattr(settings, name))
            editor.blockSignals(False)
        self._edited()

    def show_preset(self, name: str) -> None:
        """Show a preset's settings."""
        if name not in PRESETS:
            return
        self.show_settings(PRESETS[name].settings)

    def show_input_size(self, side: int) -> None:
        """Say what the model's own input size is."""
        editor = self.editors["image_size"]
        if isinstance(editor, QSpinBox):
            editor.setSpecialValueText(f"model's ({side} px)")

    def _edited(self) -> None:
        """Note whether the values are still the preset's."""
        preset = PRESETS[self.preset.currentText()]
        same = self.settings() == preset.settings
        self._source.setText(preset.source if same else f"Changed from {self.preset.currentText()}")
        self.changed.emit()


def _editor(name: str) -> Editor:
    """An editor with the setting's range, step and help."""
    field, bounds, shown = RenderSettings.model_fields[name], limits(name), knob(name)
    editor: Editor
    if bounds is None:
        editor = QComboBox()
        choices = get_args(field.annotation) if get_origin(field.annotation) is Literal else _DEVICES
        editor.addItems([str(choice) for choice in choices])
        editor.setToolTip((field.description or "").capitalize())
    else:
        low, high = bounds
        editor = _number(field.annotation is float, low, high, shown.step, optional=field.default is None)
        if shown.unit.startswith("±"):
            editor.setPrefix("± ")
        if suffix := shown.unit.removeprefix("±").strip():
            editor.setSuffix(suffix if suffix == "°" else f" {suffix}")
        editor.setToolTip(f"{(field.description or '').capitalize()}\n{low:g} to {high:g}")
    editor.setAccessibleName(shown.label)
    return editor


def _number(is_float: bool, low: float, high: float, step: float, *, optional: bool) -> QSpinBox | QDoubleSpinBox:
    if is_float:
        box = QDoubleSpinBox(minimum=low, maximum=high, singleStep=step)
        box.setDecimals(4 if step < 0.01 else 2 if step < 1 else 1)
        return box
    spin = QSpinBox(maximum=min(int(high), MAX_SEED), singleStep=int(step))
    # One step below the range stands for "not set", which Qt shows as the special value.
    spin.setMinimum(int(low - step) if optional else int(low))
    if optional:
        spin.setSpecialValueText("model's")
    return spin


def _value(name: str, editor: Editor) -> Any:  # noqa: ANN401 - the type is the setting's
    if isinstance(editor, QComboBox):
        return editor.currentText()
    bounds = limits(name)
    if bounds is not None and editor.value() < bounds[0]:
        return None
    return round(editor.value(), 6)


def _show(editor: Editor, value: Any) -> None:  # noqa: ANN401
    if isinstance(editor, QComboBox):
        editor.setCurrentText(str(value))
    elif isinstance(editor, QSpinBox):
        editor.setValue(editor.minimum() if value is None else int(value))
    else:
        editor.setValue(float(value))
