"""Commands: the window's own actions, and which of them can be used now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence

from clipdesk.gui.actions import make_action
from clipdesk.gui.session import Session


class Commands(NamedTuple):
    """The actions that belong to no panel."""

    save: QAction
    animation: QAction
    export: QAction
    again: QAction
    folder: QAction
    keep: QAction
    quit: QAction
    choose: QAction
    checkpoint: QAction
    render: QAction
    batch: QAction
    stop: QAction
    find: QAction
    search: QAction
    full_screen: QAction
    reset: QAction
    palette: QAction
    shortcuts: QAction
    welcome: QAction
    about: QAction


def make_commands(parent: QObject) -> Commands:
    """All of them, with their texts, keys and tool tips; connected to nothing yet."""
    keys = QKeySequence.StandardKey

    def make(
        text: str,
        glyph: str | None = None,
        keys: str | QKeySequence.StandardKey | None = None,
        tip: str | None = None,
        checkable: bool = False,
    ) -> QAction:
        return make_action(parent, text, glyph, keys, tip, checkable)

    save = make(
        "&Save picture …", "content_save", keys.Save, "Save the pictures on the canvas, with their recipes inside"
    )
    save.setIconText("Save")
    return Commands(
        save=save,
        animation=make("Save &animation …", "animation_outline", "Ctrl+Shift+M"),
        export=make(
            "&Export pictures …", "export_variant", "Ctrl+Alt+E", "Choose pictures and write them into a folder"
        ),
        again=make(
            "Render &from a recipe …",
            "reload",
            "Ctrl+Alt+O",
            "Render a PNG of ClipDesk's again. You can also drop it onto the window",
        ),
        folder=make(
            "&Results folder …",
            "folder_search_outline",
            "Ctrl+Shift+O",
            "Choose the folder in which finished pictures are kept",
        ),
        keep=make("&Keep every finished picture", keys="Ctrl+Shift+K", checkable=True),
        quit=make("&Quit", keys=keys.Quit),
        choose=make(
            "C&hoose model …",
            "format_list_bulleted",
            "Ctrl+Alt+M",
            "See all models, with their sizes, licences and places",
        ),
        checkpoint=make("Open &checkpoint …", "folder_open_outline", keys.Open),
        render=make("&Render", "play", "Ctrl+R", "Render the selected neurons"),
        batch=make(
            "Add to &batch", "playlist_plus", "Ctrl+B", "Queue the selected neurons and leave the canvas as it is"
        ),
        stop=make("S&top", "stop", "Ctrl+.", "Stop after this step and keep the picture as it is"),
        find=make("&Find units …", "magnify", keys.Find, "Find the units that answer to a word, a sentence or a photo"),
        search=make("&Search this panel", "text_search", "F3", "Go to the search of the panel in use"),
        full_screen=make(
            "&Full-screen canvas",
            "fullscreen",
            "F11",
            "Hide what is around the canvas; Escape brings it back",
            checkable=True,
        ),
        reset=make("&Reset layout", "restore", "Ctrl+Alt+0"),
        palette=make("&Command palette …", "console_line", "Ctrl+K"),
        shortcuts=make("&Keyboard shortcuts", "keyboard_outline", "F1"),
        welcome=make("&Welcome", keys="Shift+F1"),
        about=make("&About ClipDesk"),
    )


def enable_while(session: Session, conditions: Mapping[QAction, Callable[[], bool]]) -> None:
    """Enable each action exactly while its condition holds; conditions are asked whenever the session changes."""

    def update() -> None:
        for action, condition in conditions.items():
            action.setEnabled(condition())

    session.changed.connect(update)
