"""The second model of each model: chosen, kept, and what else can be chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QSettings

from clipdesk.activations.checking import usual
from clipdesk.errors import UsageError
from clipdesk.gui.preferences import Preferences
from clipdesk.gui.surveys import readers
from clipdesk.gui.surveys.readers import AWAY, HERE, USED, ReaderChoice, Readers, caution_for
from clipdesk.models.names import Named, parse_name


@pytest.fixture
def preferences(tmp_path: Path) -> Preferences:
    return Preferences(QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat))


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """The embedded models and two of OpenAI's are on this disk."""
    there = ("demo", "demo-rn", "photo", "photo-small", "RN50", "ViT-L/14")
    for module in (usual, readers):
        monkeypatch.setattr(module, "file_of", lambda name: Path(__file__) if name in there else Path("nowhere"))


def test_the_one_that_was_chosen_is_kept_for_each_model(here: None, preferences: Preferences, tmp_path: Path) -> None:
    (tmp_path / "mine.pt").touch()
    mine, own = parse_name(tmp_path / "mine.pt"), Named("ViT-B/32")
    known = Readers(preferences)
    assert known.reader(Named("photo")) == Named("photo-small")
    assert known.reader(own) == Named("RN50")
    assert known.reader(Named("demo")) == Named("demo-rn")
    changes: list[None] = []
    known.changed.connect(lambda: changes.append(None))
    known.choose(own, Named("ViT-L/14"))
    known.choose(parse_name("photo+sae:[shipped]"), mine)
    assert len(changes) == 2
    again = Readers(Preferences(QSettings(preferences.store.fileName(), QSettings.Format.IniFormat)))
    assert again.reader(own) == Named("ViT-L/14")
    assert again.reader(Named("photo")) == mine
    assert again.reader(Named("demo")) == Named("demo-rn")
    (tmp_path / "mine.pt").unlink()
    assert again.reader(Named("photo")) == Named("photo-small")


def test_models_that_were_used_come_first_then_those_that_are_here(
    here: None, preferences: Preferences, tmp_path: Path
) -> None:
    used, gone = tmp_path / "used.pt", tmp_path / "gone.pt"
    for file in (used, gone):
        file.touch()
        preferences.model = str(file)
    preferences.model = f"{used}+sae:[{tmp_path / 'sae'}]"
    preferences.model = "photo"
    gone.unlink()
    known = Readers(preferences)
    known.choose(Named("photo"), Named("ViT-L/14"))
    choices = known.choices(Named("photo"))
    assert choices[:6] == [
        ReaderChoice(parse_name(used), "used.pt", USED, False),
        ReaderChoice(Named("photo-small"), "photo-small", HERE, False),
        ReaderChoice(Named("RN50"), "RN50", HERE, False),
        ReaderChoice(Named("ViT-L/14"), "ViT-L/14", HERE, True),
        ReaderChoice(Named("demo"), "demo: has seen other things", HERE, False),
        ReaderChoice(Named("demo-rn"), "demo-rn: has seen other things", HERE, False),
    ]
    assert choices[6] == ReaderChoice(Named("RN101"), "RN101: downloads 290 MB", AWAY, False)
    assert len(choices) == 6 + 7
    assert [each.text for each in known.choices(parse_name(used))][2:6] == [
        "demo: has seen other things",
        "demo-rn: has seen other things",
        "photo: has seen other things",
        "photo-small: has seen other things",
    ]


def test_a_file_that_was_never_opened_is_offered_once_it_was_chosen(
    here: None, preferences: Preferences, tmp_path: Path
) -> None:
    (tmp_path / "mine.pt").touch()
    known, mine = Readers(preferences), parse_name(tmp_path / "mine.pt")
    known.choose(Named("photo"), mine)
    assert known.choices(Named("photo"))[0] == ReaderChoice(mine, "mine.pt", USED, True)


def test_the_model_itself_cannot_be_chosen(here: None, preferences: Preferences, tmp_path: Path) -> None:
    (tmp_path / "mine.pt").touch()
    known, mine = Readers(preferences), parse_name(tmp_path / "mine.pt")
    with pytest.raises(UsageError, match=r"mine\.pt is the model that is checked"):
        known.choose(parse_name(f"{mine}+sae:[{tmp_path / 'sae'}]"), mine)
    assert known.reader(mine) is None


def test_damaged_preferences_are_none(preferences: Preferences) -> None:
    for damaged in ("{", "[1]", "7"):
        preferences.store.setValue("readers", damaged)
        assert preferences.reader("photo") == ""
    preferences.remember_reader("photo", "RN50")
    assert preferences.reader("photo") == "RN50"


def test_embedded_models_are_cautioned_of_where_they_have_seen_other_things() -> None:
    assert not caution_for(Named("demo"), Named("demo-rn"))
    assert caution_for(Named("demo"), Named("photo")).startswith("demo has seen other things")
    assert caution_for(Named("photo"), Named("ViT-B/32")).startswith("photo has seen other things")
    assert not caution_for(Named("photo-small"), Named("photo"))
    assert not caution_for(Named("RN50"), Named("photo"))
