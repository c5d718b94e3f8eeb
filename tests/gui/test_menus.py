from collections.abc import Callable

import pytest
from PySide6.QtCore import QSettings, Qt
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.menus import actions_by_menu, all_actions
from clipdesk.gui.shortcut_list import ShortcutList
from clipdesk.gui.theme import Theme


def test_every_command_has_a_name_and_no_two_the_same_keys(
    new_window: Callable[..., MainWindow], qapp: QApplication, settings: QSettings
) -> None:
    # With all that the program has: the themes have keys, too.
    window = new_window(theme=Theme(qapp, settings))
    actions = all_actions(window.menuBar())
    assert len(actions) > 50
    assert all(action.text() for action in actions)
    keys = [
        key.toString()
        for action in actions
        if action.shortcutContext() is Qt.ShortcutContext.WindowShortcut
        for key in action.shortcuts()
    ]
    assert sorted(keys) == sorted(set(keys))


def test_the_palette_finds_and_runs_a_command(window: MainWindow, qtbot: QtBot) -> None:
    palette = window.help.open_palette()
    qtbot.keyClicks(palette.box, "pause all")
    assert [action.text() for action in palette.matches] == ["Pause all"]
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    assert window.controller.held


def test_the_palette_is_used_with_arrow_keys(window: MainWindow, qtbot: QtBot) -> None:
    palette = window.help.open_palette()
    qtbot.keyClicks(palette.box, "theme")
    palette.box.setText("")
    qtbot.keyClick(palette.box, Qt.Key.Key_Down)
    assert palette.list.currentIndex().row() == 1
    qtbot.keyClick(palette.box, Qt.Key.Key_Up)
    qtbot.keyClick(palette.box, Qt.Key.Key_Up)
    assert palette.list.currentIndex().row() == len(palette.matches) - 1
    palette.close()


def test_the_palette_leaves_out_disabled_commands(window: MainWindow) -> None:
    palette = window.help.open_palette()
    assert window.commands.stop not in palette.matches
    palette.close()


def test_the_help_lists_every_shortcut(window: MainWindow, qtbot: QtBot) -> None:
    actions = all_actions(window.menuBar())
    dialog = ShortcutList(actions_by_menu(window.menuBar()), window)
    qtbot.addWidget(dialog)
    cells = [dialog.table.item(row, 0) for row in range(dialog.table.rowCount())]
    listed = {cell.text() for cell in cells if cell is not None}
    for action in actions:
        if not action.shortcut().isEmpty():
            assert action.text().replace("&", "").removesuffix(" …") in listed


def test_the_shortcuts_stand_under_their_menus_and_are_filtered(window: MainWindow, qtbot: QtBot) -> None:
    dialog = ShortcutList(actions_by_menu(window.menuBar()), window)
    qtbot.addWidget(dialog)

    def shown() -> list[str]:
        rows = [row for row in range(dialog.table.rowCount()) if not dialog.table.isRowHidden(row)]
        return [str(dialog.table.model().index(row, 0).data()) for row in rows]

    everything = shown()
    assert everything.index("File") < everything.index("Save picture") < everything.index("Render")
    assert {"Model", "Picture", "View", "View: Go to", "Help", "In the gallery"} <= set(everything)
    dialog.box.setText("go to gallery")
    assert shown() == ["View: Go to", "Gallery"]
    dialog.box.setText("ctrl+alt+e")
    assert shown() == ["File", "Export pictures"]
    dialog.box.setText("no such thing")
    assert shown() == []
    dialog.box.clear()
    assert shown() == everything


def test_the_palette_says_whose_commands_they_are_and_has_the_last_ones_first(window: MainWindow, qtbot: QtBot) -> None:
    palette = window.help.open_palette()
    qtbot.keyClicks(palette.box, "reset layout")
    item = palette.list.topLevelItem(0)
    assert item is not None
    assert (item.text(0), item.text(1), item.icon(0).isNull()) == ("Reset layout", "View", False)
    qtbot.keyClick(palette.box, Qt.Key.Key_Return)
    palette = window.help.open_palette()
    assert palette.matches[0] is window.commands.reset
    palette.close()


@pytest.mark.parametrize("number", range(1, 9))
def test_the_keyboard_reaches_every_panel(window: MainWindow, qtbot: QtBot, number: int) -> None:
    place = list(window.places().values())[number - 1]
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.AltModifier)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert focused is place.widget or place.panel.isAncestorOf(focused)


def test_every_control_has_a_name_for_a_screen_reader(window: MainWindow) -> None:
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not widget.accessibleName()
        and not getattr(widget, "text", str)()
        and not widget.objectName().startswith("qt_")
        and widget.window() is window
        and not _inside_editor(widget)
    ]
    assert nameless == []


def _inside_editor(widget: QWidget) -> bool:
    """Qt's own line edits inside of spin boxes, headers and viewports speak through their owner."""
    parent = widget.parentWidget()
    return parent is not None and bool(parent.accessibleName())


def test_the_whole_job_is_done_with_the_keyboard(window: MainWindow, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.AltModifier)
    tree = window.architecture.tree
    qtbot.keyClicks(tree, "output")
    assert window.neurons.model.layer is not None
    assert window.neurons.model.layer.name == "visual"
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.keyClick(window.neurons.table, Qt.Key.Key_Down)
    qtbot.keyClick(window.neurons.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    count = window.neurons.selected_count()
    assert count >= 1
    qtbot.keyClick(window.neurons.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(window.files.sources()) == count, timeout=60_000)
