import pytest
from PySide6.QtWidgets import QComboBox
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.parameters import ParametersPanel
from clipdesk.render.settings import PRESETS, RenderSettings, limits, make_settings


@pytest.fixture
def panel(qtbot: QtBot) -> ParametersPanel:
    panel = ParametersPanel()
    qtbot.addWidget(panel)
    return panel


def test_there_is_an_editor_with_help_for_every_setting(panel: ParametersPanel) -> None:
    assert list(panel.editors) == list(RenderSettings.model_fields)
    assert all(editor.toolTip() and editor.accessibleName() for editor in panel.editors.values())


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_come_back_as_they_are(panel: ParametersPanel, preset: str) -> None:
    panel.preset.setCurrentText(preset)
    assert panel.settings() == PRESETS[preset].settings


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": 5000},
        {"image_size": 512},
        {"learning_rate": 0.0001},
        {"seed": 2**31 - 1},
        {"precision": "bfloat16"},
    ],
)
def test_any_settings_can_be_shown(panel: ParametersPanel, changes: dict[str, object]) -> None:
    settings = make_settings("classic", **changes)
    panel.show_settings(settings)
    assert panel.settings() == settings


def test_editors_keep_to_the_ranges(panel: ParametersPanel) -> None:
    for name, editor in panel.editors.items():
        bounds = limits(name)
        if isinstance(editor, QComboBox) or bounds is None:
            continue
        editor.stepBy(2**31 - 1)
        assert getattr(panel.settings(), name) == bounds[1]
        editor.stepBy(-(2**31 - 1))
        assert getattr(panel.settings(), name) == (None if name == "image_size" else bounds[0])


def test_a_change_is_told_and_reset_undoes_it(panel: ParametersPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.changed):
        panel.show_settings(make_settings(noise=0.75))
    assert panel.settings().noise == 0.75
    panel.show_preset("fourier")
    assert panel.settings() == RenderSettings()
