"""The box for a typed target: what it says, what it completes and what it remembers."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.neurons import NeuronsPanel
from clipdesk.gui.panels.text_target import TextTargetBox
from clipdesk.gui.preferences import Preferences
from clipdesk.models.names import parse_name
from clipdesk.network.inspector import LayerInspector
from clipdesk.render.targets import Target, Text, Unit

HIDDEN = "visual.transformer.resblocks.1.mlp.gelu"
BEFORE = "visual.transformer.resblocks.1.mlp.c_fc"


@pytest.fixture
def box(qtbot: QtBot, inspector: LayerInspector) -> TextTargetBox:
    box = TextTargetBox()
    qtbot.addWidget(box)
    box.show_layers(inspector.layers)
    box.offer(True)
    box.show()
    return box


def press(qtbot: QtBot, box: TextTargetBox, key: Qt.Key) -> None:
    qtbot.keyClick(box.text, key)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a star", "Renders the text 'a star'"),
        ("1.mlp.gelu:5", f"Renders unit 5 of {HIDDEN}"),
        ("-1.mlp.c_fc:5@max", f"Renders unit 5 of {BEFORE} at its largest patch, negative"),
        ("", ""),
    ],
)
def test_it_says_what_will_be_rendered(box: TextTargetBox, qtbot: QtBot, text: str, says: str) -> None:
    box.text.setText("x")
    box.text.setText(text)
    assert box.says == says
    assert box.problem == ""


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-1.mlp.gelu:9999", f"Layer '{HIDDEN}' has no neuron 9999: its 256 neurons are 0 to 255"),
        ('1.mlp.gel:5 - "a star"', "There is no layer '1.mlp.gel'. Did you mean 1.mlp.gelu?"),
        ("-a star", "Cannot read 'a star'."),
        ("a clock at 10:30", "Cannot read 'a clock at 10:30'."),
    ],
)
def test_it_says_what_is_wrong_and_asks_for_nothing(
    box: TextTargetBox, qtbot: QtBot, text: str, complaint: str
) -> None:
    asked: list[tuple[Target, ...]] = []
    box.render_asked.connect(asked.append)
    qtbot.keyClicks(box.text, text)
    assert box.says.startswith(complaint)
    assert box.problem == box.says
    press(qtbot, box, Qt.Key.Key_Return)
    assert asked == []


def test_a_short_name_asks_for_the_unit_and_quotes_for_a_text(box: TextTargetBox, qtbot: QtBot) -> None:
    asked: list[tuple[Target, ...]] = []
    box.render_asked.connect(asked.append)
    for text in ("1.mlp.gelu:5", '"1.mlp.gelu:5"'):
        box.text.setText(text)
        press(qtbot, box, Qt.Key.Key_Return)
    assert asked == [(Unit(layer=HIDDEN, index=5),), (Text(text="1.mlp.gelu:5"),)]


def test_a_file_is_read_in_the_background(box: TextTargetBox, qtbot: QtBot, tmp_path: Path) -> None:
    np.save(tmp_path / "cats.npy", np.ones(256))
    box.text.setText(f"1.mlp.gelu:[{tmp_path / 'cats.npy'}]")
    assert box.says == "Reading the file …"
    qtbot.waitUntil(lambda: box.says == f"Renders the direction cats.npy of {HIDDEN}")
    box.text.setText("image:[/nowhere/x.png]")
    qtbot.waitUntil(lambda: bool(box.problem))
    assert "/nowhere/x.png" in box.problem


def test_names_of_layers_are_completed(box: TextTargetBox, qtbot: QtBot) -> None:
    qtbot.keyClicks(box.text, '"a star" - 1.mlp.ge')
    completer = box.text.completer()
    popup = completer.popup()
    assert popup is not None
    assert [popup.model().index(i, 0).data() for i in range(popup.model().rowCount())] == ["1.mlp.gelu"]
    qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Tab)
    assert box.text.text() == '"a star" - 1.mlp.gelu:'
    qtbot.keyClicks(box.text, "7")
    assert box.says == f"Renders the text 'a star' plus unit 7 of {HIDDEN}".replace("plus", "minus")


@pytest.mark.parametrize("text", ["a 1.mlp", '"1.mlp', "a", "gelid"])
def test_nothing_is_offered_within_a_text(box: TextTargetBox, qtbot: QtBot, text: str) -> None:
    qtbot.keyClicks(box.text, text)
    assert box.text.completer().completionCount() == 0


def test_up_brings_back_what_was_typed_also_in_the_next_session(
    box: TextTargetBox, qtbot: QtBot, settings: QSettings, inspector: LayerInspector
) -> None:
    preferences = Preferences(settings)
    box.text.remembered.connect(preferences.remember_targets)
    for text in ("a star", "a heart", "a star"):
        box.text.setText(text)
        press(qtbot, box, Qt.Key.Key_Return)
    settings.sync()
    again = TextTargetBox()
    qtbot.addWidget(again)
    again.text.set_history(Preferences(QSettings(settings.fileName(), settings.format())).typed_targets)
    qtbot.keyClicks(again.text, "my draft")
    seen = []
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Down):
        press(qtbot, again, key)
        seen.append(again.text.text())
    assert seen == ["a star", "a heart", "a heart", "a star", "my draft"]


def test_before_a_model_is_open_enter_asks_for_nothing_and_remembers_nothing(box: TextTargetBox, qtbot: QtBot) -> None:
    asked: list[tuple[Target, ...]] = []
    box.render_asked.connect(asked.append)
    box.offer(False)
    box.text.setText("a star")
    press(qtbot, box, Qt.Key.Key_Return)
    box.text.clear()
    press(qtbot, box, Qt.Key.Key_Up)
    assert (asked, box.text.text()) == ([], "")


def test_a_line_that_is_wrong_is_not_remembered(box: TextTargetBox, qtbot: QtBot) -> None:
    box.text.setText("-a star")
    press(qtbot, box, Qt.Key.Key_Return)
    box.text.clear()
    press(qtbot, box, Qt.Key.Key_Up)
    assert box.text.text() == ""


def test_one_button_chooses_an_image_or_a_direction(
    box: TextTargetBox, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "cat.png")
    np.save(tmp_path / "cats.npy", np.ones(256))
    assert not box.direction_action.isEnabled()
    box.show_layer(HIDDEN)
    assert box.file_button.menu().actions() == [box.image_action, box.direction_action]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "cat.png"), ""))
    box.image_action.trigger()
    assert box.text.text() == f"image:[{tmp_path / 'cat.png'}]"
    qtbot.waitUntil(lambda: box.says == "Renders the image cat.png")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(tmp_path / "cats.npy"), ""))
    box.text.setText('"a star" -')
    box.direction_action.trigger()
    assert box.text.text() == f'"a star" - 1.mlp.gelu:[{tmp_path / "cats.npy"}]'
    qtbot.waitUntil(lambda: box.says == f"Renders the text 'a star' minus the direction cats.npy of {HIDDEN}")


def test_a_file_that_no_target_can_name_is_refused(box: TextTargetBox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: ("/x/a[1].png", ""))
    box.image_action.trigger()
    assert box.problem == "A target cannot name /x/a[1].png: there is a ] in it. Rename the file or its folder"


def test_filter_and_range_of_the_table_know_the_names_of_units(qtbot: QtBot, inspector: LayerInspector) -> None:
    panel = NeuronsPanel()
    qtbot.addWidget(panel)
    panel.show_layer(inspector.layers[HIDDEN])
    panel.filter.setText("1.mlp.gelu:5")
    assert [panel.model.unit_at(row) for row in range(panel.model.rowCount())] == [5]
    panel.filter.setText("0.mlp.gelu:5")
    assert panel.model.rowCount() == 0
    panel.filter.clear()
    panel.range.setText("1.mlp.gelu:5")
    assert panel.selected() == (Unit(layer=HIDDEN, index=5),)
    panel.range.setText("0.mlp.gelu:5")
    assert panel.feedback == "0.mlp.gelu is another layer. These are the units of 1.mlp.gelu"


def test_the_layer_before_a_rectifier_is_offered_for_a_negative_target(box: TextTargetBox, qtbot: QtBot) -> None:
    box.text.setText("-1.mlp.gelu:5")
    assert box.problem == ""
    assert box.says.startswith(f"Renders unit 5 of {HIDDEN}, negative. QuickGELU keeps unit 5 of 1.mlp.gelu from going")
    assert box.instead_button.text() == "Use -1.mlp.c_fc:5"
    qtbot.mouseClick(box.instead_button, Qt.MouseButton.LeftButton)
    assert box.text.text() == "-1.mlp.c_fc:5"
    assert box.says == f"Renders unit 5 of {BEFORE}, negative"
    assert not box.instead_button.isVisible()


def test_it_says_which_words_an_embedded_model_has_not_learnt(box: TextTargetBox, inspector: LayerInspector) -> None:
    box.show_layers(inspector.layers, parse_name("photo"))
    assert box.text.placeholderText() == "Or type a target, such as a strawberry"
    box.text.setText("a laptop of my aunt")
    assert box.says.startswith('Renders the text \'a laptop of my aunt\'. photo has not learnt "my" and "aunt", so')
    box.text.setText("a laptop")
    assert box.says == "Renders the text 'a laptop'"
    box.show_layers(inspector.layers, parse_name("ViT-B/32"))
    assert box.text.placeholderText() == "Or type a target, such as a star"
