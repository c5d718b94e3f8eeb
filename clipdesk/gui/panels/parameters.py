"""The parameter panel, built from RenderSettings. It shows values and owns none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QInputDialog,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from clipdesk.errors import UsageError
from clipdesk.gui.actions import action_button, make_action
from clipdesk.gui.panels.editors import DEVICES, SettingRow
from clipdesk.gui.panels.preset_list import PresetList
from clipdesk.gui.panels.short_label import ShortLabel
from clipdesk.gui.plain import plain_label, plain_tip
from clipdesk.gui.presets import PresetStore
from clipdesk.render.presets import DEFAULT_PRESET, NOT_RECIPE, default_preset, make_settings, preset_of, preset_title
from clipdesk.render.settings import RenderSettings, knob

if TYPE_CHECKING:
    from clipdesk.gui.worker import OpenedModel
    from clipdesk.models.names import ModelName

_ONLY_WITH = {
    "frequency_decay": ("parameterization", "fourier"),
    "blur_sigma": ("blur_every", None),
    "spectrum": ("parameterization", "maco"),
}
"""Settings that have an effect only if another one has a certain value; None stands for any value but zero."""


class ParametersPanel(QWidget):
    """A preset, an editor for every setting, and an estimate of what the render will take.

    Signals:
        changed: A value was changed.
        failed: Why a preset could not be saved.
    """

    changed = Signal()
    failed = Signal(str)

    def __init__(self, store: PresetStore) -> None:
        super().__init__()
        self._store = store
        self.preset = PresetList()
        self.preset.setAccessibleName("Preset")
        # The rows below must not move away from under the mouse, whatever is said here.
        self._source = ShortLabel(lines=3, reserved=True)
        self._source.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._source.setForegroundRole(self._source.palette().ColorRole.PlaceholderText)
        self.rows = {name: SettingRow(name) for name in RenderSettings.model_fields}
        self.estimate = plain_label(wrap=True)
        self.estimate.setMargin(8)
        self.estimate.setAccessibleName("Estimate")
        self._make_actions()
        self._lay_out()
        self._default = DEFAULT_PRESET
        self._fill_presets(self._default)
        self.show_preset(self._default)
        self.preset.currentIndexChanged.connect(lambda: self.show_preset(self.preset_name))
        for row in self.rows.values():
            row.changed.connect(self._edited)

    def _make_actions(self) -> None:
        tip = "Save these values under a name"
        self.save_action = make_action(self, "Save preset …", "content_save_outline", "Ctrl+Shift+S", tip)
        self.save_action.triggered.connect(self._ask_name)
        self.delete_action = make_action(self, "Delete preset", "delete_outline", tip="Delete this preset of yours")
        self.delete_action.triggered.connect(self.delete_preset)
        tip = "Set all values back to the preset's"
        self.reset_action = make_action(self, "Reset to preset", "restore", "Ctrl+Shift+Z", tip)
        self.reset_action.triggered.connect(lambda: self.show_preset(self.preset_name))
        self.actions_shown = [self.save_action, self.delete_action, self.reset_action]

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(8)
        form.setVerticalSpacing(5)
        form.setColumnStretch(1, 1)
        top = QHBoxLayout()
        top.addWidget(self.preset, 1)
        for action in self.actions_shown:
            top.addWidget(action_button(action))
        form.addLayout(top, 0, 0, 1, 2)
        form.addWidget(self._source, 1, 0, 1, 2)
        at, group = 2, ""
        for name, row in self.rows.items():
            if knob(name).group != group:
                group = knob(name).group
                heading = plain_label(group)
                font = heading.font()
                font.setBold(True)
                heading.setFont(font)
                heading.setContentsMargins(0, 8, 0, 0)
                form.addWidget(heading, at, 0, 1, 2)
                at += 1
            form.addWidget(row.label, at, 0, Qt.AlignmentFlag.AlignTop)
            row.label.setMinimumHeight(row.editor.sizeHint().height())
            form.addWidget(row, at, 1)
            at += 1
        form.setRowStretch(at, 1)
        inner = QWidget()
        inner.setLayout(form)
        area = QScrollArea(widgetResizable=True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        area.setMinimumWidth(inner.minimumSizeHint().width() + area.verticalScrollBar().sizeHint().width())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addWidget(self.estimate)

    # Values

    @property
    def preset_name(self) -> str:
        """The chosen preset's name; the box shows ClipDesk's own ones with a capital letter."""
        return str(self.preset.currentData())

    @property
    def problem(self) -> str:
        """What is wrong with the first invalid value; empty if all are valid."""
        return next((row.complaint for row in self.rows.values() if row.complaint), "")

    def settings(self) -> RenderSettings:
        """The settings that the editors show.

        Raises:
            UsageError: a value is out of range.
        """
        return make_settings(**{name: row.value() for name, row in self.rows.items()})

    def show_settings(self, settings: RenderSettings) -> None:
        """Show settings in the editors."""
        for name, row in self.rows.items():
            row.blockSignals(True)
            row.set_value(getattr(settings, name))
            row.blockSignals(False)
        self._edited()

    def show_preset(self, name: str) -> None:
        """Show a preset's settings, but keep the seed, the precision and the device."""
        preset = self._store.all().get(name)
        if preset is None:
            return
        self._select(name)
        for key, row in self.rows.items():
            row.set_reference(getattr(preset.settings, key))
        kept = {key: self.rows[key].value() for key in NOT_RECIPE if not self.rows[key].complaint}
        self.show_settings(preset.settings.model_copy(update=kept))

    @Slot(object)
    def reuse_settings(self, settings: RenderSettings) -> None:
        """Show a finished picture's settings, but keep the precision, which suits the machine and not the picture."""
        self.use_settings(settings.model_copy(update={"precision": self.settings().precision}))

    def use_settings(self, settings: RenderSettings) -> None:
        """Show settings that were used before, and the preset that they belong to, if there is one."""
        name = preset_of(settings, self._store.all())
        if name is not None:
            self.show_preset(name)
        self.show_settings(settings)

    @Slot(object)
    def show_model(self, opened: OpenedModel) -> None:
        """Offer what suits a model that was opened."""
        self.show_default(opened.name)
        self._show_input_size(opened.input_size)
        self._show_devices(opened.devices)

    def _show_input_size(self, side: int) -> None:
        """Say which size is used if none is set."""
        row = self.rows["image_size"]
        row.editor.setToolTip(f"{row.help}\nThe model's is {side} px.")
        if row.box is not None:
            row.box.show_unset(f"{side} (model's)")

    def show_default(self, model: ModelName) -> None:
        """Show the preset that suits a model, unless the user has chosen or changed another one."""
        if self.preset_name == self._default and not self.reset_action.isEnabled():
            self.show_preset(default_preset(model))
        self._default = default_preset(model)

    @property
    def chosen_preset(self) -> str:
        """The preset that the user has chosen or changed; empty for the one that suits the model, as it is."""
        return "" if self.preset_name == self._default and not self.reset_action.isEnabled() else self.preset_name

    def restore(self, preset: str, settings: RenderSettings | None) -> None:
        """Show what `chosen_preset` and `settings` were at another time; a preset of the user's may be gone.

        Args:
            preset: The preset's name; empty for the one that suits the model, with the seed and the like of `settings`.
            settings: The settings; None if they are not known.
        """
        if preset in self._store.all():
            self.show_preset(preset)
            # It stays, whatever suits the model that is opened.
            self._default = ""
        elif settings is not None and not preset:
            kept = {key: getattr(settings, key) for key in NOT_RECIPE}
            settings = self.settings().model_copy(update=kept)
        if settings is not None:
            self.show_settings(settings)

    def _show_devices(self, devices: tuple[str, ...]) -> None:
        """Offer the devices that there are."""
        choice = self.rows["device"].choice
        for device in devices:
            if choice is not None and device not in DEVICES and choice.findData(device) < 0:
                choice.addItem(device, device)

    def save_preset(self, name: str) -> None:
        """Save the values as a preset of the user's."""
        try:
            self._store.save(name, self.settings())
        except UsageError as error:
            self.failed.emit(str(error))
            return
        self._fill_presets(name.strip())
        self.show_preset(name.strip())

    def delete_preset(self) -> None:
        """Delete the chosen preset, if it is the user's."""
        name = self.preset_name
        if self._store.is_own(name):
            self._store.delete(name)
            self._fill_presets(self._default)
            self.show_preset(self._default)

    def _ask_name(self) -> None:
        name, given = QInputDialog.getText(self, "Save preset", "Name of the preset:")
        if given:
            self.save_preset(name)

    def _fill_presets(self, chosen: str) -> None:
        self.preset.blockSignals(True)
        self.preset.clear()
        for name, preset in self._store.all().items():
            self.preset.add(preset_title(name), name, preset)
        self.preset.blockSignals(False)
        self._select(chosen)

    def _select(self, name: str) -> None:
        self.preset.blockSignals(True)
        self.preset.setCurrentIndex(self.preset.findData(name))
        self.preset.blockSignals(False)

    def _edited(self) -> None:
        for name, (other, value) in _ONLY_WITH.items():
            now = self.rows[other].value()
            useful = now == value if value is not None else bool(now)
            self.rows[name].setEnabled(useful)
            self.rows[name].label.setEnabled(useful)
        name = self.preset_name
        preset = self._store.all()[name]
        same = not self.problem and preset_of(self.settings(), {name: preset}) is not None
        words = preset.source if same else f"Changed from {self.preset.currentText()}: {preset.source}"
        self._source.show_text(words)
        self._source.setToolTip(plain_tip(words, wrap=True))
        self.reset_action.setEnabled(not same)
        self.delete_action.setEnabled(self._store.is_own(name))
        self.save_action.setEnabled(not self.problem)
        self.changed.emit()
