"""Light and dark: two palettes, following the system or chosen by the user, switched while the window is open."""

from __future__ import annotations

from PySide6.QtCore import QObject, QSettings, Qt, Slot
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

SYSTEM, LIGHT, DARK = "system", "light", "dark"
CHOICES = (SYSTEM, LIGHT, DARK)
_KEY = "theme"

_Role = QPalette.ColorRole
_COLORS: dict[str, dict[QPalette.ColorRole, str]] = {
    LIGHT: {
        _Role.Window: "#f2f3f5",
        _Role.WindowText: "#1b1e23",
        _Role.Base: "#ffffff",
        _Role.AlternateBase: "#f6f7f9",
        _Role.Text: "#1b1e23",
        _Role.Button: "#f2f3f5",
        _Role.ButtonText: "#2b3038",
        _Role.BrightText: "#ffffff",
        _Role.Highlight: "#2563c9",
        _Role.HighlightedText: "#ffffff",
        _Role.ToolTipBase: "#1f242c",
        _Role.ToolTipText: "#f2f3f5",
        _Role.PlaceholderText: "#686f7b",
        _Role.Link: "#1d56b3",
        _Role.Mid: "#c3c8d0",
        _Role.Dark: "#a9afb9",
    },
    DARK: {
        _Role.Window: "#282c33",
        _Role.WindowText: "#e4e7eb",
        _Role.Base: "#1b1e23",
        _Role.AlternateBase: "#202329",
        _Role.Text: "#e4e7eb",
        _Role.Button: "#343a43",
        _Role.ButtonText: "#d3d8df",
        _Role.BrightText: "#ffffff",
        _Role.Highlight: "#3872d0",
        _Role.HighlightedText: "#ffffff",
        _Role.ToolTipBase: "#e4e7eb",
        _Role.ToolTipText: "#1b1e23",
        _Role.PlaceholderText: "#979fab",
        _Role.Link: "#79a8f2",
        _Role.Mid: "#454c57",
        _Role.Dark: "#15171b",
    },
}
_DISABLED = {LIGHT: "#9aa1ac", DARK: "#6d7580"}
ERROR = {LIGHT: QColor("#b3261e"), DARK: QColor("#ff8a80")}
"""The colour of errors, readable on each theme."""


class Theme(QObject):
    """Sets the application's palette. The widgets that draw for themselves hear of it by a palette change event."""

    def __init__(self, app: QApplication, settings: QSettings) -> None:
        super().__init__(app)
        self._app, self._settings = app, settings
        chosen = str(settings.value(_KEY, SYSTEM))
        self.choice = chosen if chosen in CHOICES else SYSTEM
        app.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    def choose(self, choice: str) -> None:
        """Follow the system, or be light or dark, from now on and at the next start."""
        self.choice = choice
        self._settings.setValue(_KEY, choice)
        self._apply()

    @Slot()
    def _apply(self) -> None:
        self._app.setPalette(palette_of(self.name()))

    def name(self) -> str:
        """``light`` or ``dark``: what is shown now."""
        if self.choice != SYSTEM:
            return self.choice
        return DARK if self._app.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT


def palette_of(name: str) -> QPalette:
    """The palette ``light`` or ``dark``."""
    palette = QPalette(QColor(_COLORS[name][_Role.Button]), QColor(_COLORS[name][_Role.Window]))
    for role, color in _COLORS[name].items():
        palette.setColor(role, QColor(color))
    for role in (_Role.WindowText, _Role.Text, _Role.ButtonText, _Role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(_DISABLED[name]))
    palette.setColor(QPalette.ColorGroup.Disabled, _Role.Highlight, QColor(_COLORS[name][_Role.Mid]))
    palette.setColor(_Role.Accent, QColor(_COLORS[name][_Role.Highlight]))
    return palette


def error_palette(palette: QPalette) -> QPalette:
    """A copy of a palette in which a label's text has the colour of errors."""
    wrong = QPalette(palette)
    wrong.setColor(_Role.WindowText, error_color(palette))
    return wrong


def error_color(palette: QPalette) -> QColor:
    """The colour of errors on this palette."""
    return ERROR[DARK if palette.color(_Role.Window).lightness() < 128 else LIGHT]
