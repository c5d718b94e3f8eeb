from pathlib import Path

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog, QInputDialog
from pytestqt.qtbot import QtBot

from clipdesk.errors import UsageError
from clipdesk.gui.panels.parameters import ParametersPanel
from clipdesk.gui.panels.preset_list import ABOUT_ROLE
from clipdesk.gui.presets import PresetStore
from clipdesk.models.names import parse_name
from clipdesk.render.presets import PRESETS, make_settings, preset_title
from clipdesk.render.settings import RenderSettings, limits


@pytest.fixture
def panel(qtbot: QtBot, settings: QSettings) -> ParametersPanel:
    panel = ParametersPanel(PresetStore(settings))
    qtbot.addWidget(panel)
    panel.show()
    return panel


def test_there_is_an_editor_with_help_for_every_setting(panel: ParametersPanel) -> None:
    assert list(panel.rows) == list(RenderSettings.model_fields)
    assert all(row.help and row.editor.toolTip() and row.editor.accessibleName() for row in panel.rows.values())


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_come_back_as_they_are(panel: ParametersPanel, preset: str) -> None:
    panel.preset.setCurrentText(preset_title(preset))
    assert panel.settings() == PRESETS[preset].settings
    assert not panel.reset_action.isEnabled()


@pytest.mark.parametrize(
    "changes",
    [
        {"iterations": 5000},
        {"image_size": 512},
        {"learning_rate": 0.0001},
        {"seed": 2**31 - 1},
        {"precision": "bfloat16"},
        {"optimizer": "sgd"},
        {"crop": 0.5, "crop_end": 0.05},
        {"start": "/somewhere/a picture.png"},
    ],
)
def test_any_settings_can_be_shown(panel: ParametersPanel, changes: dict[str, object]) -> None:
    settings = make_settings("classic", **changes)
    panel.show_settings(settings)
    assert panel.settings() == settings


def test_a_value_that_the_box_rounds_stays_until_another_is_chosen(panel: ParametersPanel) -> None:
    panel.show_preset("lucid")
    row = panel.rows["shift"]
    assert row.box is not None
    assert (row.box.text(), row.value()) == ("± 0.05 of side", 6 / 128)
    row.box.stepUp()
    row.box.stepUp()
    assert row.value() == 0.07


def test_arrows_and_sliders_keep_to_the_ranges(panel: ParametersPanel) -> None:
    for name, row in panel.rows.items():
        bounds = limits(name)
        if row.box is None or row.slider is None or bounds is None:
            continue
        for steps, end in ((2**31 - 1, bounds[1]), (-(2**31 - 1), bounds[0])):
            row.box.stepBy(steps)
            unset = RenderSettings.model_fields[name].default is None and steps < 0
            assert getattr(panel.settings(), name) == (None if unset else end)
        for tick in (0, 333, 1000):
            row.slider.setValue(tick)
            assert not row.complaint


def test_a_logarithmic_slider_gives_each_order_of_magnitude_its_share(panel: ParametersPanel) -> None:
    slider = panel.rows["learning_rate"].slider
    assert slider is not None
    slider.setValue(500)
    assert panel.settings().learning_rate == pytest.approx(0.01, rel=0.05)


def test_a_wrong_value_is_marked_in_its_place(panel: ParametersPanel, qtbot: QtBot) -> None:
    box = panel.rows["iterations"].box
    assert box is not None
    box.selectAll()
    qtbot.keyClicks(box, "9000")
    assert panel.problem == "Iterations must be from 1 to 5000"
    complaint = panel.rows["iterations"]._complaint
    assert (complaint.isVisible(), complaint.text()) == (True, "1\N{EN DASH}5000")
    assert complaint.toolTip() == panel.problem
    with pytest.raises(UsageError, match="from 1 to 5000"):
        panel.settings()
    box.selectAll()
    qtbot.keyClicks(box, "900")
    assert panel.problem == ""
    assert not complaint.isVisible()
    assert panel.settings().iterations == 900


@pytest.mark.parametrize("width", [330, 420, 700])
def test_no_row_moves_while_values_are_edited(panel: ParametersPanel, qtbot: QtBot, width: int) -> None:
    panel.resize(max(width, panel.minimumSizeHint().width()), 900)

    def places() -> list[int]:
        qtbot.wait(1)
        return [row.y() for row in panel.rows.values()] + [row.height() for row in panel.rows.values()]

    before = places()
    for preset in PRESETS:
        panel.show_preset(preset)
        assert places() == before
        panel.rows["noise"].set_value(0.77)
        assert places() == before
    for row in panel.rows.values():
        if row.box is not None:
            row.box.setValue(row.box.high + 1000)
    assert panel.problem
    assert places() == before


def test_the_models_own_size_is_named_and_can_be_typed(panel: ParametersPanel, qtbot: QtBot) -> None:
    box = panel.rows["image_size"].box
    assert box is not None
    panel._show_input_size(128)
    assert box.text() == "128 (model's)"
    assert panel.settings().image_size is None
    box.selectAll()
    qtbot.keyClicks(box, "128")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert (box.text(), panel.settings().image_size) == ("128 px", 128)
    box.selectAll()
    qtbot.keyClicks(box, "0")
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert (box.text(), panel.settings().image_size) == ("128 (model's)", None)
    panel._show_input_size(224)
    assert box.text() == "224 (model's)"
    assert box.lineEdit().width() > box.fontMetrics().horizontalAdvance("224 (model's)")


def test_letters_cannot_be_typed_as_a_number(panel: ParametersPanel, qtbot: QtBot) -> None:
    box = panel.rows["noise"].box
    assert box is not None
    box.selectAll()
    qtbot.keyClicks(box, "0.5x")
    assert panel.settings().noise == 0.5


def test_one_value_is_reset(panel: ParametersPanel, qtbot: QtBot) -> None:
    row = panel.rows["noise"]
    assert not row.reset.isVisible()
    row.set_value(0.75)
    assert row.reset.isVisible()
    qtbot.mouseClick(row.reset, Qt.MouseButton.LeftButton)
    assert panel.settings().noise == 0.3


def test_a_change_is_told_and_reset_undoes_it(panel: ParametersPanel, qtbot: QtBot) -> None:
    with qtbot.waitSignal(panel.changed):
        panel.show_settings(make_settings(noise=0.75))
    assert panel.settings().noise == 0.75
    panel.reset_action.trigger()
    assert panel.settings() == make_settings()


def test_each_preset_says_how_it_looks_and_what_it_costs(panel: ParametersPanel, qtbot: QtBot) -> None:
    presets = panel.preset
    said = {presets.itemText(i): presets.itemData(i, ABOUT_ROLE) for i in range(presets.count())}
    assert list(said)[:4] == ["Draft", "Standard", "Detailed", "Publication"]
    assert {"MACO", "Direct Ascent", "lucid", "Classic"} <= set(said)
    assert said["Draft"] == "rough, for a first look"
    assert said["Standard"] == "6\N{MULTIPLICATION SIGN} Draft's time, clean and smooth"
    assert all(text.partition(", ")[0] for text in said.values())
    presets.showPopup()
    qtbot.waitUntil(presets.view().isVisible)
    line = panel.fontMetrics().lineSpacing()
    assert presets.view().visualRect(presets.model().index(1, 0)).height() >= 2 * line
    presets.hidePopup()


def test_a_preset_leaves_seed_and_device(panel: ParametersPanel) -> None:
    panel.show_settings(make_settings(seed=7, device="cpu"))
    panel.preset.setCurrentText("Draft")
    assert panel.settings() == PRESETS["draft"].settings.model_copy(update={"seed": 7, "device": "cpu"})


def test_a_setting_without_effect_is_greyed(panel: ParametersPanel) -> None:
    assert not panel.rows["blur_sigma"].isEnabled()
    panel.show_preset("classic")
    assert panel.rows["blur_sigma"].isEnabled()
    assert not panel.rows["frequency_decay"].isEnabled()


def test_a_preset_of_ones_own_is_saved_kept_and_deleted(
    panel: ParametersPanel, qtbot: QtBot, settings: QSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QInputDialog, "getText", lambda *_: ("Mine", True))
    panel.show_settings(make_settings(noise=0.75))
    panel.save_action.trigger()
    assert panel.preset.currentText() == "Mine"
    other = ParametersPanel(PresetStore(settings))
    qtbot.addWidget(other)
    other.preset.setCurrentText("Mine")
    assert other.settings().noise == 0.75
    other.delete_action.trigger()
    assert other.preset.findText("Mine") < 0
    assert "Mine" not in PresetStore(settings).all()


@pytest.mark.parametrize("name", ["classic", "Classic", "STANDARD", "direct ascent"])
def test_clipdesks_own_presets_cannot_be_overwritten(panel: ParametersPanel, name: str) -> None:
    said: list[str] = []
    panel.failed.connect(said.append)
    panel.save_preset(name)
    assert said == [f"A preset of yours cannot be called '{name}'. Choose another name"]


def test_the_first_change_does_not_move_the_rows(panel: ParametersPanel, qtbot: QtBot) -> None:
    panel.resize(320, 600)
    row = panel.rows["iterations"]
    qtbot.waitUntil(lambda: row.mapTo(panel, row.rect().topLeft()).y() > 0)
    place = row.mapTo(panel, row.rect().topLeft())
    row.set_value(321)
    qtbot.wait(50)
    assert panel.reset_action.isEnabled()
    assert row.mapTo(panel, row.rect().topLeft()) == place


@pytest.mark.parametrize("kept", ["nonsense", "[]", '{"Bad": {"iterations": -1}, "Odd": 3}'])
def test_damaged_presets_are_left_out(tmp_path: Path, kept: str) -> None:
    settings = QSettings(str(tmp_path / "x.ini"), QSettings.Format.IniFormat)
    settings.setValue("presets", kept)
    assert list(PresetStore(settings).all()) == list(PRESETS)


def test_a_file_may_be_chosen_in_place_of_a_word(
    panel: ParametersPanel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, answer = panel.rows["start"], str(tmp_path / "mine.png")
    choice = row.choice
    assert choice is not None

    def choose() -> None:
        choice.setCurrentIndex(choice.count() - 1)
        choice.textActivated.emit(choice.currentText())

    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (answer, ""))
    choose()
    assert panel.settings().start == answer
    assert choice.currentText() == "mine.png"
    answer = ""
    choose()
    assert panel.settings().start == str(tmp_path / "mine.png"), "no file was chosen: all is as it was"
    panel.show_settings(make_settings("draft"))
    assert panel.settings().start == "noise"


def test_another_model_brings_its_preset_but_only_where_nothing_was_chosen(panel: ParametersPanel) -> None:
    panel.show_default(parse_name("ViT-B/32"))
    assert panel.preset_name == "ghiasi"
    panel.show_default(parse_name("demo"))
    assert panel.preset_name == "standard"
    panel.rows["iterations"].set_value(33)
    panel.show_default(parse_name("RN50"))
    assert panel.settings().iterations == 33
    panel.show_preset("draft")
    panel.show_default(parse_name("ViT-B/32"))
    assert panel.preset_name == "draft"
