"""The button of the second model."""

from __future__ import annotations

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.reader_menu import ReaderButton
from clipdesk.gui.surveys.readers import HERE, USED, ReaderChoice
from clipdesk.models.names import Named, parse_name


def test_it_is_an_arrow_once_a_model_is_known(qtbot: QtBot) -> None:
    button = ReaderButton()
    qtbot.addWidget(button)
    button.show_reader("", "Choose one")
    assert button.text() == "Check thoroughly by …"
    assert button.accessibleDescription() == "none"
    assert "Choose one" in button.toolTip()
    wide = button.sizeHint().width()
    button.show_reader("RN50", "RN50 compares the pictures")
    assert button.text() == ""
    assert button.arrowType() is Qt.ArrowType.DownArrow
    assert button.accessibleDescription() == "RN50"
    assert "RN50 compares the pictures" in button.toolTip()
    assert button.sizeHint().width() < wide / 3


def test_its_menu_has_sections_and_tells_what_is_chosen(qtbot: QtBot) -> None:
    button = ReaderButton()
    qtbot.addWidget(button)
    assert [action.text() for action in button.menu().actions() if not action.isSeparator()] == ["Open checkpoint …"]
    mine = parse_name("/somewhere/a&b.pt")
    button.show_choices(
        [
            ReaderChoice(mine, "a&b.pt", USED, chosen=False),
            ReaderChoice(Named("RN50"), "RN50", HERE, chosen=True),
            ReaderChoice(Named("RN101"), "RN101", HERE, chosen=False),
        ]
    )
    actions = button.menu().actions()
    assert [each.text() for each in actions] == [
        *(USED, "a&&b.pt", HERE, "RN50", "RN101", "", "Open checkpoint …"),
    ]
    assert [each.text() for each in actions if each.isChecked()] == ["RN50"]
    chosen: list[str] = []
    button.chosen.connect(chosen.append)
    actions[1].trigger()
    actions[4].trigger()
    assert chosen == [str(mine), "RN101"]
