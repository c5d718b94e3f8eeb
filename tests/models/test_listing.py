"""The models that can be asked for, with what one wants to know before."""

from pathlib import Path

import pytest

from clipdesk.errors import UsageError
from clipdesk.models.catalogue import CATALOGUE, SHOWPIECES, file_of
from clipdesk.models.listing import file_model, is_on_disk, named_models
from clipdesk.models.loading import fetch_model
from clipdesk.models.names import Checkpoint, HubModel, Named, OpenClip
from tests.conftest import serve_model

TAG = OpenClip("ViT-B-32", "laion2b_s34b_b79k")


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


# Whether a model is on this disk, before anything is downloaded


def test_the_embedded_models_are_there_and_openais_when_they_were_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serve_model("ViT-B/32", b"weights", monkeypatch, tmp_path) as server:
        assert {name for name in CATALOGUE if is_on_disk(Named(name))} == set(SHOWPIECES)
        assert server.requests == []
        assert fetch_model(Named("ViT-B/32")) == file_of("ViT-B/32")
        assert is_on_disk(Named("ViT-B/32"))


def test_a_checkpoint_is_never_downloaded(tmp_path: Path) -> None:
    name = Checkpoint(tmp_path / "gone.pt", "ViT-B-32")
    assert is_on_disk(name)
    assert fetch_model(name) == name.path


def test_what_comes_from_the_hub_is_looked_for_in_the_folder_of_its_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("open_clip", reason="the extra clipdesk[open-clip] is not installed")
    from clipdesk.models import hub

    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda *_: None)
    assert not is_on_disk(TAG)
    assert not is_on_disk(HubModel("nobody/clip"))
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda _, file: str(tmp_path / file))
    assert is_on_disk(TAG)
    assert is_on_disk(HubModel("nobody/clip"))
    with pytest.raises(UsageError, match="open_clip lists no model"):
        is_on_disk(OpenClip("ViT-B-32", "nobody"))


@pytest.mark.parametrize("name", [TAG, HubModel("nobody/clip")])
def test_without_the_extra_its_models_are_not_looked_for(
    name: OpenClip | HubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clipdesk.models.names.has_open_clip", lambda: False)
    with pytest.raises(UsageError, match="needs the package open_clip"):
        is_on_disk(name)
