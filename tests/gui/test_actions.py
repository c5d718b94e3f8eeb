"""Buttons of actions: what the keyboard and a screen reader find."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from pytestqt.qtbot import QtBot

from clipdesk.gui.actions import action_button, make_action


def test_a_button_of_an_action_has_a_name_and_is_reached_by_tab(qtbot: QtBot) -> None:
    parent = QObject()
    action = make_action(parent, "Turn around", "sort_variant", "Ctrl+T")
    done: list[str] = []
    action.triggered.connect(lambda: done.append(action.text()))
    for button, name in ((action_button(action), "Turn around"), (action_button(action, "Backwards"), "Backwards")):
        qtbot.addWidget(button)
        assert button.accessibleName() == name
        assert button.toolTip() == "Turn around (Ctrl+T)"
        assert button.focusPolicy() == Qt.FocusPolicy.TabFocus
        button.click()
    assert done == ["Turn around", "Turn around"]
