"""The models that can be asked for, with what one wants to know before."""

from pathlib import Path

import pytest

from clipdesk.models.catalogue import CATALOGUE, SHOWPIECES, file_of
from clipdesk.models.listing import file_model, named_models
from clipdesk.models.names import Checkpoint


def test_the_embedded_models_are_on_this_disk_and_openais_are_not_before_they_are_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    listed = {model.name: model for model in named_models()}
    assert list(listed) == list(CATALOGUE)
    assert {name for name, model in listed.items() if model.family == "embedded"} == set(SHOWPIECES)
    assert {name for name, model in listed.items() if model.place is not None} == set(SHOWPIECES)
    file = file_of("ViT-B/32")
    file.parent.mkdir(parents=True)
    file.touch()
    assert next(model for model in named_models() if model.name == "ViT-B/32").place == file


def test_every_named_model_says_its_size_its_input_and_its_licence() -> None:
    for model in named_models():
        assert model.description
        assert model.input_size
        assert model.megabytes
        assert model.exact
        assert model.licence == "MIT"


def test_a_checkpoint_says_its_size_while_it_is_there(checkpoint: Path) -> None:
    found = file_model(Checkpoint(checkpoint))
    assert (found.family, found.place) == ("file", checkpoint)
    assert found.megabytes == max(1, round(checkpoint.stat().st_size / 1e6))
    checkpoint.unlink()
    gone = file_model(Checkpoint(checkpoint))
    assert (gone.place, gone.megabytes) == (None, None)


def test_a_checkpoint_of_open_clip_says_its_architecture(checkpoint: Path) -> None:
    assert file_model(Checkpoint(checkpoint, "ViT-B-32")).description == "checkpoint of open_clip's ViT-B-32"
