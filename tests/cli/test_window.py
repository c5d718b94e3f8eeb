"""How the command line opens the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from clipdesk.links import Link
from tests.cli.conftest import Command

Opened = list[tuple[str | None, bool, tuple[str, int | None] | None]]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Opened:
    """What windows were opened with."""
    found: Opened = []

    def run(model: str | None, start: bool, place: tuple[str, int | None] | None) -> int:
        found.append((model, start, place))
        return 0

    monkeypatch.setattr("clipdesk.cli.display.why_no_display", lambda **_: None)
    monkeypatch.setattr("clipdesk.cli.entry._window", lambda: run)
    return found


def test_a_link_opens_the_window_at_its_unit(clipdesk: Command, opened: Opened, checkpoint: Path) -> None:
    assert clipdesk("clipdesk://demo/visual.layer/5").code == 0
    assert clipdesk("clipdesk://demo/visual.layer").code == 0
    assert clipdesk(str(Link(str(checkpoint), "3.mlp.gelu", 0))).code == 0
    assert opened == [
        ("demo", False, ("visual.layer", 5)),
        ("demo", False, ("visual.layer", None)),
        (str(checkpoint), False, ("3.mlp.gelu", 0)),
    ]


def test_the_window_is_opened_at_a_unit(clipdesk: Command, opened: Opened) -> None:
    assert clipdesk("--model", "demo", "--unit", "3.mlp.gelu:5").code == 0
    assert clipdesk("--unit", "3.mlp.gelu").code == 0
    assert clipdesk().code == 0
    assert opened == [("demo", False, ("3.mlp.gelu", 5)), (None, False, ("3.mlp.gelu", None)), (None, False, None)]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("clipdesk://demo/visual/-5", "is not a link to a unit"),
        ("clipdesk://demo/visual/5\x1b[2J", "is not a link to a unit"),
        ("clipdesk:///%5C%5Chost%5Ca.pt/visual/5", "leads to a file on another computer"),
        ("clipdesk:///%2Fno%2Fsuch.pt/visual/5", "There is no model or file '/no/such.pt'"),
        ("clipdesk:--start", "is not a link to a unit"),
        ("--unit=a b", "is not a unit"),
    ],
)
def test_a_hostile_link_is_refused_in_one_line(clipdesk: Command, opened: Opened, argument: str, message: str) -> None:
    refused = clipdesk(argument)
    assert (refused.code, refused.err.count("\n"), opened) == (2, 1, [])
    assert refused.err.startswith("Error: ")
    assert refused.err[:-1].isprintable()
    assert message in refused.err


def test_a_link_stands_alone(clipdesk: Command, opened: Opened) -> None:
    refused = clipdesk("clipdesk://demo/visual/5", "--trust-archive")
    assert (refused.code, opened) == (2, [])
    assert "Nothing may follow a link" in refused.err


def test_a_link_after_a_command_is_a_text(clipdesk: Command, opened: Opened) -> None:
    assert "Cannot read clipdesk:" in clipdesk("show", "clipdesk://demo/visual/5").err
    assert opened == []
