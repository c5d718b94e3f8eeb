"""The welcome: what it says of other models."""

from pytestqt.qtbot import QtBot

from clipdesk.gui.panels.welcome import Welcome


def test_photo_is_recommended_to_who_has_another_model(qtbot: QtBot) -> None:
    welcome = Welcome()
    qtbot.addWidget(welcome)
    welcome.greet(True, "demo")
    recommended = welcome.others
    assert "In the <b>Model</b> menu, <b>photo</b> has seen photographs" in recommended
    welcome.greet(True, "photo")
    assert welcome.others.startswith("<b>photo</b> knows 96 kinds of things. In the <b>Model</b> menu, OpenAI's CLIP")
    assert len(welcome.others) <= len(recommended), "there is no room for a fourth line at 1280 x 720"
