"""Heads that tests of the window make up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.gui import desk, heads_desk
from clipdesk.gui.heads_desk import HeadsDesk
from clipdesk.gui.main_window import MainWindow
from clipdesk.jobs.heads import HeadFile, look_at_heads
from clipdesk.jobs.store import default_store
from tests.gui.conftest import until

PLACE = "ray:10.0.0.1:6379"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The places at which heads would have been started."""
    places: list[str] = []
    monkeypatch.setattr(HeadsDesk, "start_head", lambda _desk, place: places.append(place))
    return places


@pytest.fixture
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window looks at heads and the queue's file fifty times a second, in place of once."""
    for module in (heads_desk, desk):
        monkeypatch.setattr(module, "_LOOK_MS", 20)


@contextmanager
def head(place: str = PLACE) -> Iterator[HeadFile]:
    """This process, as a head."""
    file = HeadFile(default_store(), place)
    try:
        yield file
    finally:
        file.close()


def seen(window: MainWindow, qtbot: QtBot) -> None:
    """Wait until the window has seen the heads that there are now."""
    names = {each.name for each in look_at_heads(default_store()) if each.alive}
    until(qtbot, lambda: {each.name for each in window.run_on._heads} == names)
