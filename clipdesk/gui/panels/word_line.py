"""A line of words, each with its score, that can be searched by."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QVBoxLayout, QWidget
from typing_extensions import override

from clipdesk.gui.plain import rich_label

if TYPE_CHECKING:
    from clipdesk.gui.surveys.data import Word

_TIP = (
    "Correlation of the unit with each word, in pictures that were held out. Grey ones are weak: chance reaches as "
    "much, or too few pictures were held out to tell"
)


class WordLine(QWidget):
    """A title and words to click.

    Args:
        title: What the words are.
        tip: What their scores are.

    Signals:
        chosen: A word.
    """

    chosen = Signal(str)

    def __init__(self, title: str, tip: str = _TIP) -> None:
        super().__init__()
        self._title = title
        self._words: Sequence[Word] = ()
        self._none = ""
        self.label = rich_label(wrap=True)
        self.label.setToolTip(tip)
        self.label.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.label.linkActivated.connect(lambda link: self.chosen.emit(unquote(link)))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.label)
        self._write()

    def show_words(self, words: Sequence[Word], none: str) -> None:
        """Show other words.

        Args:
            words: The words, the first ones first.
            none: What is said if there are none; if that is empty, too, nothing is shown.
        """
        self._words, self._none = words, none
        self.setVisible(bool(words or none))
        self._write()

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._write()

    def _write(self) -> None:
        weak = self.palette().color(QPalette.ColorRole.PlaceholderText).name()
        links = []
        for word in self._words:
            color = f" style='color: {weak}'" if word.weak else ""
            # A space that does not break keeps a word and its score in one line.
            score = f"&nbsp;{word.score}" if word.score else ""
            links.append(f"<a href='{quote(word.concept)}'{color}>{escape(word.concept)}</a>{score}")
        self.label.setText(f"{escape(self._title)}: {', '.join(links) or escape(self._none)}")
