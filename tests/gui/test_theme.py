from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import QSettings, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from clipdesk.gui.icons import icon
from clipdesk.gui.main_window import MainWindow
from clipdesk.gui.panels.curves import CurvesPanel
from clipdesk.gui.panels.welcome import Welcome
from clipdesk.gui.theme import DARK, LIGHT, SYSTEM, Theme, error_color, palette_of

Role = QPalette.ColorRole


@pytest.fixture(autouse=True)
def _palette_as_before(qapp: QApplication) -> Iterator[None]:
    before = QPalette(qapp.palette())
    yield
    qapp.setPalette(before)


def luminance(color: QColor) -> float:
    def linear(share: float) -> float:
        return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(color.redF()) + 0.7152 * linear(color.greenF()) + 0.0722 * linear(color.blueF())


def contrast(a: QColor, b: QColor) -> float:
    """Contrast as WCAG 2 defines it, 1 to 21."""
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", [LIGHT, DARK])
@pytest.mark.parametrize(
    ("text", "ground"),
    [
        (Role.WindowText, Role.Window),
        (Role.Text, Role.Base),
        (Role.Text, Role.AlternateBase),
        (Role.ButtonText, Role.Button),
        (Role.HighlightedText, Role.Highlight),
        (Role.PlaceholderText, Role.Base),
        (Role.PlaceholderText, Role.Window),
        (Role.ToolTipText, Role.ToolTipBase),
        (Role.Link, Role.Window),
    ],
)
def test_text_is_readable(name: str, text: QPalette.ColorRole, ground: QPalette.ColorRole) -> None:
    palette = palette_of(name)
    assert contrast(palette.color(text), palette.color(ground)) >= 4.5


@pytest.mark.parametrize("name", [LIGHT, DARK])
def test_the_main_button_is_readable_as_the_style_draws_it(qapp: QApplication, qtbot: QtBot, name: str) -> None:
    qapp.setStyle("Fusion")
    qapp.setPalette(palette_of(name))
    welcome = Welcome()
    qtbot.addWidget(welcome)
    welcome.greet(ready=True)
    welcome.show()
    image = welcome.button.grab().toImage()
    ground = [image.pixelColor(6, y) for y in range(image.height() // 5, 4 * image.height() // 5)]
    text = welcome.button.palette().color(Role.ButtonText)
    assert min(contrast(text, color) for color in ground) >= 4.5


@pytest.mark.parametrize("name", [LIGHT, DARK])
def test_errors_are_readable(name: str) -> None:
    palette = palette_of(name)
    for ground in (Role.Window, Role.Base, Role.AlternateBase):
        assert contrast(error_color(palette), palette.color(ground)) >= 4.5


def test_the_theme_is_chosen_kept_and_follows_the_system(qapp: QApplication, settings: QSettings) -> None:
    theme = Theme(qapp, settings)
    assert theme.choice == SYSTEM
    theme.choose(DARK)
    assert qapp.palette().color(Role.Window) == palette_of(DARK).color(Role.Window)
    assert Theme(qapp, settings).choice == DARK
    theme.choose(SYSTEM)
    expected = DARK if qapp.styleHints().colorScheme() is Qt.ColorScheme.Dark else LIGHT
    assert theme.name() == expected


def test_icons_follow_the_palette(qapp: QApplication) -> None:
    for name in (LIGHT, DARK):
        qapp.setPalette(palette_of(name))
        image = icon("play").pixmap(QSize(24, 24)).toImage()
        pixels = [image.pixelColor(x, y) for x in range(24) for y in range(24)]
        colors = {pixel.name() for pixel in pixels if pixel.alpha() == 255}
        assert colors == {palette_of(name).color(Role.ButtonText).name()}
        disabled = icon("play").pixmap(QSize(24, 24), QIcon.Mode.Disabled).toImage()
        assert disabled != image


def test_plots_follow_the_palette(qapp: QApplication, qtbot: QtBot) -> None:
    panel = CurvesPanel()
    qtbot.addWidget(panel)
    for name in (DARK, LIGHT):
        qapp.setPalette(palette_of(name))
        qapp.processEvents()
        assert panel.plots.activation.backgroundBrush().color() == palette_of(name).color(Role.Base)


def test_larger_fonts_clip_nothing(qapp: QApplication, new_window: Callable[..., MainWindow]) -> None:
    before = qapp.font()
    large = qapp.font()
    large.setPointSizeF(before.pointSizeF() * 1.6)
    qapp.setFont(large)
    try:
        window = new_window()
        for row in window.parameters.rows.values():
            assert row.editor.height() >= row.editor.fontMetrics().height()
            if row.box is not None:
                text = row.box.prefix() + row.box.textFromValue(row.box.high) + row.box.suffix()
                assert row.box.width() >= 20 + row.box.fontMetrics().horizontalAdvance(text)
    finally:
        qapp.setFont(before)
