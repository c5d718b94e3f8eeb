"""The log panel: what ClipDesk wrote to its log in this session."""

from __future__ import annotations

import logging

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from clipdesk.paths import log_file

_MOST_LINES = 2000
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class _Relay(QObject):
    """Carries lines from whatever thread logs to the window's."""

    line = Signal(str)


class _Handler(logging.Handler):
    def __init__(self, relay: _Relay) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter(_FORMAT))
        self._relay = relay

    def emit(self, record: logging.LogRecord) -> None:
        self._relay.line.emit(self.format(record))


class LogPanel(QWidget):
    """The lines of the log, newest last."""

    def __init__(self) -> None:
        super().__init__()
        self.text = QPlainTextEdit(readOnly=True, maximumBlockCount=_MOST_LINES)
        self.text.setAccessibleName("Log")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setPlaceholderText(f"Nothing has been logged yet. The log file is {log_file()}")
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self._relay = _Relay(self)
        self._relay.line.connect(self.text.appendPlainText)
        self._handler = _Handler(self._relay)
        logging.getLogger("clipdesk").addHandler(self._handler)

    def stop(self) -> None:
        """Stop listening, as when the window closes."""
        logging.getLogger("clipdesk").removeHandler(self._handler)
