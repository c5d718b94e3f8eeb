"""Makes actions, and puts them on tool bars where the keyboard and a screen reader reach them."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QToolBar, QToolButton

from clipdesk.gui.icons import icon


def make_action(
    parent: QObject,
    text: str,
    glyph: str | None = None,
    keys: str | QKeySequence.StandardKey | None = None,
    tip: str | None = None,
    checkable: bool = False,
) -> QAction:
    """An action with an icon, keys and a tool tip that names the keys."""
    action = QAction(text, parent)
    action.setCheckable(checkable)
    if glyph is not None:
        action.setIcon(icon(glyph))
    if keys is not None:
        action.setShortcut(QKeySequence(keys))
    shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
    words = tip or text.replace("&", "").removesuffix(" …")
    action.setToolTip(f"{words} ({shown})" if shown else words)
    return action


def fill_bar(bar: QToolBar, actions: Iterable[QAction]) -> None:
    """Add actions to a tool bar, each with a name and reachable by Tab."""
    for action in actions:
        bar.addAction(action)
        button = bar.widgetForAction(action)
        button.setAccessibleName(action.text().replace("&", ""))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)


def action_button(action: QAction, name: str = "") -> QToolButton:
    """A flat button for an action, with a name and reachable by Tab.

    Args:
        action: The action.
        name: What a screen reader says; by default the action's text.
    """
    button = QToolButton(autoRaise=True)
    button.setDefaultAction(action)
    button.setAccessibleName(name or action.text())
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    return button
