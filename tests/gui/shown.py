"""All texts of a window that Qt may draw as HTML or as a mnemonic, wherever they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QAbstractProxyModel, QModelIndex, QObject, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as TextFunctions
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QComboBox,
    QGraphicsTextItem,
    QGraphicsView,
    QLabel,
    QTextEdit,
    QWidget,
)

_TOP = QModelIndex()


class Shown(NamedTuple):
    """A text, where it is, and whether Qt draws it as HTML or with a mnemonic."""

    where: str
    text: str
    html: bool = False
    mnemonic: bool = False

    @property
    def words(self) -> str:
        """What a person reads; a picture is U+FFFC."""
        if self.mnemonic:
            return re.sub("&(.)", r"\1", self.text)
        if not self.html:
            return self.text
        document = QTextDocument()
        document.setHtml(self.text)
        return document.toPlainText().replace("\N{NO-BREAK SPACE}", " ")


def shown_in(window: QWidget) -> Iterator[Shown]:
    """The labels, buttons, tool tips and documents of a window, of its dialogs and menus, and the tips of its lists."""
    for widget in (window, *window.findChildren(QWidget)):
        yield _guessed(f"tip of {_name(widget)}", widget.toolTip())
        yield from _texts(widget)
    for action in window.findChildren(QAction):
        yield _guessed("tip of QAction", action.toolTip())
        yield Shown("QAction", action.text(), mnemonic=True)


def _guessed(where: str, text: str) -> Shown:
    return Shown(where, text, TextFunctions.mightBeRichText(text))


def _texts(widget: QWidget) -> Iterator[Shown]:
    if isinstance(widget, QLabel):
        if widget.textFormat() is Qt.TextFormat.AutoText:
            yield _guessed("QLabel", widget.text())
        else:
            yield Shown("QLabel", widget.text(), widget.textFormat() is not Qt.TextFormat.PlainText)
    elif isinstance(widget, QAbstractButton):
        yield Shown("QAbstractButton", widget.text(), mnemonic=True)
    elif isinstance(widget, QTextEdit):
        yield Shown(_name(widget), widget.toHtml(), html=True)
    elif isinstance(widget, QGraphicsView):
        for item in widget.scene().items() if widget.scene() else ():
            yield _guessed(f"tip in {_name(widget)}", item.toolTip())
            if isinstance(item, QGraphicsTextItem):
                yield Shown(_name(widget), item.toHtml(), html=True)
    elif isinstance(widget, (QAbstractItemView, QComboBox)) and widget.model() is not None:
        where = f"tip of {_name(_source(widget.model()))}"
        for index in _walk(widget.model(), _TOP):
            tip = index.data(Qt.ItemDataRole.ToolTipRole)
            if isinstance(tip, str):
                yield _guessed(where, tip)


def _walk(model: QAbstractItemModel, parent: QModelIndex) -> Iterator[QModelIndex]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)
    for row in range(model.rowCount(parent)):
        for column in range(columns):
            yield model.index(row, column, parent)
        if not isinstance(model, QAbstractListModel):
            yield from _walk(model, model.index(row, 0, parent))


def _source(model: QAbstractItemModel) -> QAbstractItemModel:
    return _source(model.sourceModel()) if isinstance(model, QAbstractProxyModel) else model


def _name(thing: QObject) -> str:
    return type(thing).__name__
