"""Where the keyboard is: a view without it shows its selection in a paler colour."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyleOptionViewItem, QTreeView
from typing_extensions import override

_SHARE = 0.28
_Role = QPalette.ColorRole


def pale(palette: QPalette) -> QPalette:
    """A palette whose selection is paler, with the colour of ordinary text on it."""
    base, full = palette.color(_Role.Base), palette.color(_Role.Highlight)
    pairs = ((base.red(), full.red()), (base.green(), full.green()), (base.blue(), full.blue()))
    changed = QPalette(palette)
    changed.setColor(_Role.Highlight, QColor(*(round(a + _SHARE * (b - a)) for a, b in pairs)))
    changed.setColor(_Role.HighlightedText, palette.color(_Role.Text))
    return changed


def show_focus(view: QAbstractItemView, option: QStyleOptionViewItem) -> None:
    """Let an item of a view be drawn as the view has the keyboard or has not; for `initViewItemOption`."""
    if not view.hasFocus():
        option.palette = pale(option.palette)


class FocusTree(QTreeView):
    """A tree that shows whether it has the keyboard."""

    @override
    def initViewItemOption(self, option: QStyleOptionViewItem) -> None:
        super().initViewItemOption(option)
        show_focus(self, option)


class FocusList(QListView):
    """A list that shows whether it has the keyboard."""

    @override
    def initViewItemOption(self, option: QStyleOptionViewItem) -> None:
        super().initViewItemOption(option)
        show_focus(self, option)
