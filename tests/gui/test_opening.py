"""One model is opened after another, and the first one is given up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from clipdesk.errors import Cancelled
from clipdesk.gui import computing
from clipdesk.gui.main_window import MainWindow
from clipdesk.models.names import ModelName
from clipdesk.network.opened import OpenModel
from tests.gui.conftest import until


def test_a_model_that_was_cancelled_stays_so_when_another_is_chosen_at_once(
    window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    really_open = computing.open_model

    def open_slowly(
        name: ModelName, progress: Callable[..., object], stage: Callable[[str], object], cancelled: Callable[[], bool]
    ) -> OpenModel:
        if str(name) == "demo":
            begun.set()
            assert go_on.wait(60)
            if cancelled():
                raise Cancelled
        return really_open(name, progress, stage, cancelled)

    monkeypatch.setattr(computing, "open_model", open_slowly)
    told: list[str] = []
    window.session.model_changed.connect(lambda model: told.append(f"{model.name} is open"))
    window.controller.opener.open_cancelled.connect(lambda name: told.append(f"{name} was cancelled"))
    window.opening.stayed.connect(lambda _: told.append("nothing is opened"))
    window.opening.open("demo")
    until(qtbot, begun.is_set)
    window.opening.cancel()
    window.opening.open("demo-rn")
    go_on.set()
    until(qtbot, lambda: str(window.session.model_name) == "demo-rn")
    assert told == ["demo was cancelled", "demo-rn is open"]


def test_a_model_that_cannot_be_opened_says_nothing_of_the_next_one(
    window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    (tmp_path / "damaged.pt").write_bytes(b"damaged")
    stayed: list[object] = []
    window.opening.stayed.connect(stayed.append)
    window.opening.open(str(tmp_path / "damaged.pt"))
    window.opening.open("demo")
    until(qtbot, lambda: str(window.session.model_name) == "demo")
    assert stayed == []
    window.opening.open(str(tmp_path / "damaged.pt"))
    until(qtbot, lambda: stayed == [window.session.model])
