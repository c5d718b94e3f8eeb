"""Labels and tool tips that show a text as it stands.

Qt takes a text that looks like HTML for HTML, in labels and in tool tips, and loads the files that it names. Names of
files, layers and models, texts of targets and reasons come from anybody, so every label is made here, and every tool
tip that shows such a text goes through here. Lists, tables, menus, buttons and the status bar's message are plain
anyway.
"""

from __future__ import annotations

from html import escape

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as TextFunctions
from PySide6.QtWidgets import QLabel


def plain_label(text: str = "", *, centered: bool = False, wrap: bool = False, margin: int = 0) -> QLabel:
    """A label for any text.

    Args:
        text: What it shows first.
        centered: Whether the text stands in the middle.
        wrap: Whether long lines are broken.
        margin: Room around the text, in pixels.
    """
    return _label(Qt.TextFormat.PlainText, text, centered, wrap, margin)


def rich_label(text: str = "", *, centered: bool = False, wrap: bool = False) -> QLabel:
    """A label for HTML of our own; whatever else it shows must be escaped."""
    return _label(Qt.TextFormat.RichText, text, centered, wrap, 0)


def _label(kind: Qt.TextFormat, text: str, centered: bool, wrap: bool, margin: int) -> QLabel:
    label = QLabel(text, textFormat=kind, wordWrap=wrap, margin=margin)
    if centered:
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    return label


def plain_tip(text: str, *, wrap: bool = False) -> str:
    """A tool tip for any text; it is escaped where Qt would take it for HTML.

    Args:
        text: What it shows.
        wrap: Whether long lines are broken, which Qt does in HTML only.
    """
    if not text or not (wrap or TextFunctions.mightBeRichText(text)):
        return text
    lines = escape(text, quote=False).replace("\n", "<br>")
    return f"<p>{lines}</p>" if wrap else f"<p style='white-space: pre'>{lines}</p>"
