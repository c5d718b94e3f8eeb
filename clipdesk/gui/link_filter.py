"""Links that macOS hands to the running program, where other systems start one with the link as its argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QUrl
from PySide6.QtGui import QFileOpenEvent
from typing_extensions import override

from clipdesk.errors import UsageError
from clipdesk.gui.problems import explained
from clipdesk.links import is_link, parse_link
from clipdesk.models.names import find_name

if TYPE_CHECKING:
    from clipdesk.gui.main_window import MainWindow


class LinkFilter(QObject):
    """Opens what a link names, in a window that is open.

    Args:
        window: The window.
    """

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QFileOpenEvent):
            return False
        text = event.url().toString(QUrl.ComponentFormattingOption.FullyEncoded)
        if not is_link(text):
            return False
        self.open(text)
        return True

    def open(self, text: str) -> None:
        """Open the model of a link and show its unit; say why if that cannot be."""
        try:
            link = parse_link(text)
            find_name(link.model)
        except UsageError as error:
            self._window.session.complain(explained(error))
            return
        self._window.go_to(link.model, (link.layer, link.unit))
